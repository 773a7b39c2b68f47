//! The few things that the log needs of a file system, so that tests can take power and space away.

use std::{fmt, io, path::Path, sync::Arc};

/// A file system. [`super::Disk`] is the real one.
///
/// The calls block. They are short writes and reads of the page cache, for which handing them to another thread costs
/// more than the call; the slow ones (syncs, reads of old segments) are made off the async threads by the log itself.
pub trait Storage: fmt::Debug + Send + Sync {
    /// Creates a directory with its parents, and makes their entries durable.
    fn create_dir(&self, dir: &Path) -> io::Result<()>;
    /// The names of a directory's entries, in any order.
    fn list(&self, dir: &Path) -> io::Result<Vec<String>>;
    /// Opens a file for reading and writing.
    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Arc<dyn LogFile>>;
    /// Puts a file in another's place, atomically.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Deletes a file.
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Deletes a directory with the files in it.
    fn remove_dir(&self, dir: &Path) -> io::Result<()>;
    /// Makes created, renamed and removed entries of a directory durable.
    fn sync_dir(&self, dir: &Path) -> io::Result<()>;
    /// Takes a lock that lives as long as the returned guard, at most until the process ends.
    fn lock(&self, path: &Path) -> io::Result<Locked>;
    /// What names the current boot of the machine: unsynced writes survive as long as it is the same. `None` if the
    /// system does not tell.
    fn boot_id(&self) -> Option<String>;
}

/// How to open a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OpenMode {
    /// It must exist.
    Existing,
    /// It must not exist.
    New,
    /// It is created, or emptied.
    Empty,
    /// It is created, or kept.
    Any,
}

/// An open file.
pub trait LogFile: Send + Sync {
    /// Reads at most `buffer.len()` bytes; 0 at the end.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;
    /// Writes some bytes; like write(2) it may write fewer than asked.
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize>;
    /// The file's length.
    fn length(&self) -> io::Result<u64>;
    /// Cuts the file off.
    fn set_length(&self, length: u64) -> io::Result<()>;
    /// Makes content and length durable.
    fn sync(&self) -> io::Result<()>;
}

/// The answer to a request for a lock.
pub enum Locked {
    /// The caller has it until the guard is dropped.
    Taken(Box<dyn Send + Sync>),
    /// Somebody else has it: what they wrote about themselves.
    Busy(String),
}

impl fmt::Debug for Locked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Taken(_) => f.write_str("Taken"),
            Self::Busy(owner) => f.debug_tuple("Busy").field(owner).finish(),
        }
    }
}

/// Writes all bytes, normally with one call.
pub(super) fn write_all_at(file: &dyn LogFile, mut bytes: &[u8], mut offset: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        match file.write_at(bytes, offset) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(n) => {
                bytes = &bytes[n..];
                offset += n as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Fills the buffer as far as the file reaches; the number of bytes read.
pub(super) fn read_full_at(file: &dyn LogFile, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match file.read_at(&mut buffer[filled..], offset + filled as u64) {
            Ok(0) => break,
            Ok(n) => filled += n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}
