//! The real file system.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io,
    os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt},
    path::Path,
    process,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use super::{Locked, LogFile, OpenMode, Storage};

/// How long a lock may outlive its owner: a child that the owner was about to start shares it until it becomes another program.
const LAST_BREATH: Duration = Duration::from_secs(2);
/// How often to look meanwhile.
const LOOK: Duration = Duration::from_millis(10);

/// The real file system. Files and directories are private to the user: they hold conversations.
#[derive(Debug, Clone, Copy, Default)]
pub struct Disk;

impl Storage for Disk {
    fn create_dir(&self, dir: &Path) -> io::Result<()> {
        let is_missing = |dir: &&Path| !dir.as_os_str().is_empty() && !dir.is_dir();
        let missing: Vec<&Path> = dir.ancestors().take_while(is_missing).collect();
        for dir in missing.iter().rev() {
            match DirBuilder::new().mode(0o700).create(dir) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists || !dir.is_dir() => {
                    return Err(error);
                }
                Ok(()) | Err(_) => {}
            }
        }
        // After all of them are there: a file system with a journal then commits once, not once for each.
        missing.iter().rev().try_for_each(|dir| self.sync_dir(parent_of(dir)))
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        // A name that is not text is not ours.
        fs::read_dir(dir)?
            .filter_map(|entry| entry.map(|entry| entry.file_name().into_string().ok()).transpose())
            .collect()
    }

    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Arc<dyn LogFile>> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).mode(0o600);
        let file = match mode {
            OpenMode::Existing => options.open(path),
            OpenMode::New => options.create_new(true).open(path),
            OpenMode::Empty => options.create(true).truncate(true).open(path),
            OpenMode::Any => options.create(true).truncate(false).open(path),
        }?;
        Ok(Arc::new(file))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn remove_dir(&self, dir: &Path) -> io::Result<()> {
        fs::remove_dir_all(dir)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        File::open(dir)?.sync_all()
    }

    fn lock(&self, path: &Path) -> io::Result<Locked> {
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)?;
        let end = Instant::now() + LAST_BREATH;
        loop {
            match file.try_lock() {
                Ok(()) => break,
                Err(fs::TryLockError::WouldBlock) => {
                    let owner = fs::read_to_string(path)?;
                    if is_alive(&owner) || Instant::now() > end {
                        return Ok(Locked::Busy(owner));
                    }
                    // The kernel tells nobody when a lock becomes free, but to those who would wait for ever.
                    thread::sleep(LOOK);
                }
                Err(fs::TryLockError::Error(error)) => return Err(error),
            }
        }
        file.set_len(0)?;
        file.write_all_at(process::id().to_string().as_bytes(), 0)?;
        Ok(Locked::Taken(Box::new(file)))
    }

    fn boot_id(&self) -> Option<String> {
        let text = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
        Some(text.trim().to_owned())
    }
}

/// Whether the process that wrote its number into a lock is there. What has no number yet is about to.
fn is_alive(owner: &str) -> bool {
    owner.parse::<u32>().is_ok_and(|pid| Path::new("/proc").join(pid.to_string()).exists())
}

fn parent_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        Some(_) => Path::new("."),
        None => path,
    }
}

impl LogFile for File {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        FileExt::read_at(self, buffer, offset)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        FileExt::write_at(self, bytes, offset)
    }

    fn length(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }

    fn set_length(&self, length: u64) -> io::Result<()> {
        self.set_len(length)
    }

    fn sync(&self) -> io::Result<()> {
        self.sync_data()
    }
}
