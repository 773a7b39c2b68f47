//! Small files that are either the old or the new one, whatever happens.

use std::{
    ffi::OsString,
    io,
    path::{Path, PathBuf},
};

use super::{
    Disk, OpenMode, Storage,
    storage::{read_full_at, write_all_at},
};

/// Replaces a file's content: after a crash or a power cut at any moment the file is the old one or the new one, and
/// once this returns it is the new one. The file is private to the user. One writer at a time for a path.
pub fn write_atomic(path: &Path, bytes: &[u8]) -> io::Result<()> {
    write_atomic_on(&Disk, path, bytes)
}

/// [`write_atomic`] on any storage.
pub(super) fn write_atomic_on(storage: &dyn Storage, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let temporary = beside(path);
    let written = write_synced(storage, &temporary, bytes)
        .and_then(|()| storage.rename(&temporary, path))
        .and_then(|()| storage.sync_dir(directory_of(path)));
    if written.is_err() {
        // On a full disk the half-written file would take the space that others need.
        let _ = storage.remove(&temporary);
    }
    written
}

fn write_synced(storage: &dyn Storage, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let file = storage.open(path, OpenMode::Empty)?;
    write_all_at(&*file, bytes, 0)?;
    file.sync()
}

/// A fixed name, so that what a crash leaves behind is overwritten by the next attempt instead of piling up.
fn beside(path: &Path) -> PathBuf {
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(".tmp");
    path.with_file_name(name)
}

fn directory_of(path: &Path) -> &Path {
    path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."))
}

/// A small file's content; `None` if there is no such file.
pub(super) fn read_small(storage: &dyn Storage, path: &Path) -> io::Result<Option<Vec<u8>>> {
    let file = match storage.open(path, OpenMode::Existing) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut bytes = vec![0; usize::try_from(file.length()?).map_err(io::Error::other)?];
    let filled = read_full_at(&*file, &mut bytes, 0)?;
    bytes.truncate(filled);
    Ok(Some(bytes))
}
