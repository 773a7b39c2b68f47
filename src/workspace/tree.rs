//! Moving whole directories into the workspace and out of it, while an agent may be at work there.
//!
//! Every step starts from a directory that is held open and follows no link, so that an agent that swaps a directory for a
//! link in mid-way leads nothing out of the workspace.

use std::{
    fs::File,
    io,
    os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd},
    path::Path,
};

use rustix::{
    fs::{AtFlags, Dir, FileType, Mode, OFlags},
    io::Errno,
};

use super::{
    beneath::{Root, open_regular, openat_directory},
    git::clone::SCRATCH,
};

/// Opens a folder of the layout below the workspace; a link in its place is refused.
pub(super) fn folder(workspace: &Path, name: &str) -> io::Result<OwnedFd> {
    let root = Root::open(workspace)?;
    Ok(openat_directory(root.as_fd(), name.as_ref())?)
}

/// Moves the directory `name` of `from` to `to` in `folder`. It appears there whole or not at all; something that has the name
/// already stays, and is an error.
pub(super) fn move_in(from: &Path, name: &str, folder: BorrowedFd<'_>, to: &str) -> io::Result<()> {
    let source = Root::open(from)?;
    match rustix::fs::renameat(&source, name, folder, to) {
        // Our own data is often on another volume than the workspace.
        Err(Errno::XDEV) => copy_in(source.as_fd(), name, folder, to),
        moved => Ok(moved?),
    }
}

fn copy_in(source: BorrowedFd<'_>, name: &str, folder: BorrowedFd<'_>, to: &str) -> io::Result<()> {
    let scratch = scratch_name();
    let copied = openat_directory(source, name.as_ref())
        .and_then(|from| copy_directory(from.as_fd(), folder, &scratch))
        .and_then(|()| rustix::fs::renameat(folder, &scratch, folder, to));
    if copied.is_err() {
        // The copy's own error is the one to report.
        let _ = delete(folder, &scratch);
    }
    Ok(copied?)
}

/// A name that nobody keeps: what bears it is swept away at the next start.
pub(super) fn scratch_name() -> String {
    format!("{SCRATCH}{}", uuid::Uuid::new_v4().simple())
}

fn copy_directory(from: BorrowedFd<'_>, parent: BorrowedFd<'_>, name: &str) -> Result<(), Errno> {
    let mode = rustix::fs::fstat(from)?.st_mode & 0o777;
    rustix::fs::mkdirat(parent, name, Mode::from_raw_mode(mode | 0o700))?;
    let to = openat_directory(parent, name.as_ref())?;
    for_each(from, |name, kind| match kind {
        FileType::Directory => copy_directory(openat_directory(from, name.as_ref())?.as_fd(), to.as_fd(), name),
        FileType::Symlink => {
            let target = rustix::fs::readlinkat(from, name, Vec::new())?;
            rustix::fs::symlinkat(target.as_c_str(), &to, name)
        }
        _ => copy_file(from, to.as_fd(), name),
    })
}

fn copy_file(from: BorrowedFd<'_>, to: BorrowedFd<'_>, name: &str) -> Result<(), Errno> {
    let mut source = open_regular(from, name)?;
    let mode = Mode::from_raw_mode(rustix::fs::fstat(&source)?.st_mode & 0o777);
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut target = File::from(rustix::fs::openat(to, name, flags, mode)?);
    let copied = io::copy(&mut source, &mut target);
    copied.map(drop).map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::IO))
}

/// Takes away what has this name in a folder; a link itself and not what it leads to. False: nothing has it.
pub(super) fn remove(folder: BorrowedFd<'_>, name: &str) -> io::Result<bool> {
    let scratch = scratch_name();
    match rustix::fs::renameat(folder, name, folder, &scratch) {
        Err(Errno::NOENT) => return Ok(false),
        renamed => renamed?,
    }
    if let Err(error) = delete(folder, &scratch) {
        // Its name is free; the next start sweeps it away.
        tracing::warn!(name, %error, "what was removed is not deleted yet");
    }
    Ok(true)
}

/// Deletes what interrupted moves and removals left behind.
pub(super) fn sweep(folder: BorrowedFd<'_>) -> io::Result<()> {
    Ok(for_each(folder, |name, _| {
        if name.starts_with(SCRATCH) && delete(folder, name).is_err() {
            tracing::warn!(name, "what an interrupted clone left cannot be deleted");
        }
        Ok(())
    })?)
}

fn delete(folder: BorrowedFd<'_>, name: &str) -> io::Result<()> {
    match openat_directory(folder, name.as_ref()) {
        Ok(directory) => set_writable(directory.as_fd(), true)?,
        Err(_) => return Ok(rustix::fs::unlinkat(folder, name, AtFlags::empty())?),
    }
    // By way of the open folder: a path could lead elsewhere by now.
    std::fs::remove_dir_all(format!("/proc/self/fd/{}/{name}", folder.as_raw_fd()))
}

/// Lets everybody read a tree and nobody write it, or lets its owner change its directories again.
pub(super) fn set_writable(directory: BorrowedFd<'_>, writable: bool) -> Result<(), Errno> {
    let mode = |fd: BorrowedFd<'_>| -> Result<Mode, Errno> {
        let now = rustix::fs::fstat(fd)?.st_mode & 0o777;
        Ok(Mode::from_raw_mode(if writable { now | 0o700 } else { (now | 0o444) & !0o222 }))
    };
    if writable {
        rustix::fs::fchmod(directory, mode(directory)?)?;
    }
    for_each(directory, |name, kind| match kind {
        FileType::Directory => set_writable(openat_directory(directory, name.as_ref())?.as_fd(), writable),
        FileType::RegularFile if !writable => {
            let file = open_regular(directory, name)?;
            rustix::fs::fchmod(&file, mode(file.as_fd())?)
        }
        _ => Ok(()),
    })?;
    if writable { Ok(()) } else { rustix::fs::fchmod(directory, mode(directory)?) }
}

/// Calls with each name of a directory and what it is, links unfollowed. A name that is not UTF-8 is an error.
fn for_each(
    directory: BorrowedFd<'_>,
    mut visit: impl FnMut(&str, FileType) -> Result<(), Errno>,
) -> Result<(), Errno> {
    for entry in Dir::read_from(directory)? {
        let entry = entry?;
        let name = entry.file_name().to_str().map_err(|_| Errno::ILSEQ)?;
        if matches!(name, "." | "..") {
            continue;
        }
        let stat = rustix::fs::statat(directory, name, AtFlags::SYMLINK_NOFOLLOW)?;
        visit(name, FileType::from_raw_mode(stat.st_mode))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt};

    use super::*;

    fn tree() -> tempfile::TempDir {
        let directory = tempfile::tempdir().unwrap();
        let at = directory.path();
        fs::create_dir_all(at.join("from/web/deep")).unwrap();
        fs::create_dir(at.join("repos")).unwrap();
        fs::write(at.join("from/web/deep/file"), "content").unwrap();
        fs::set_permissions(at.join("from/web/deep/file"), fs::Permissions::from_mode(0o755)).unwrap();
        std::os::unix::fs::symlink("/etc/passwd", at.join("from/web/link")).unwrap();
        directory
    }

    #[test]
    fn a_copy_to_another_volume_keeps_files_modes_and_links() {
        let directory = tree();
        let at = directory.path();
        let from = Root::open(&at.join("from")).unwrap();
        let repos = folder(at, "repos").unwrap();
        copy_in(from.as_fd(), "web", repos.as_fd(), "web").unwrap();
        let file = at.join("repos/web/deep/file");
        assert_eq!(fs::read_to_string(&file).unwrap(), "content");
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o111, 0o111);
        assert_eq!(fs::read_link(at.join("repos/web/link")).unwrap(), Path::new("/etc/passwd"));
        assert_eq!(fs::read_dir(at.join("repos")).unwrap().count(), 1, "no scratch is left");
    }

    #[test]
    fn what_has_the_name_already_stays() {
        let directory = tree();
        let at = directory.path();
        fs::create_dir_all(at.join("repos/web")).unwrap();
        fs::write(at.join("repos/web/mine"), "").unwrap();
        let repos = folder(at, "repos").unwrap();
        let from = Root::open(&at.join("from")).unwrap();
        assert!(move_in(&at.join("from"), "web", repos.as_fd(), "web").is_err());
        assert!(copy_in(from.as_fd(), "web", repos.as_fd(), "web").is_err());
        assert!(at.join("repos/web/mine").exists() && at.join("from/web").exists());
        assert_eq!(fs::read_dir(at.join("repos")).unwrap().count(), 1);
    }

    #[test]
    fn a_read_only_tree_and_a_link_are_removed_and_the_links_target_is_not() {
        let directory = tree();
        let at = directory.path();
        let repos = folder(at, "repos").unwrap();
        move_in(&at.join("from"), "web", repos.as_fd(), "web").unwrap();
        set_writable(openat_directory(repos.as_fd(), "web".as_ref()).unwrap().as_fd(), false).unwrap();
        let mode = fs::metadata(at.join("repos/web/deep")).unwrap().permissions().mode();
        assert_eq!(mode & 0o222, 0);
        assert!(remove(repos.as_fd(), "web").unwrap());
        std::os::unix::fs::symlink(at.join("from"), at.join("repos/web")).unwrap();
        assert!(remove(repos.as_fd(), "web").unwrap());
        assert!(!remove(repos.as_fd(), "web").unwrap());
        assert!(at.join("from").exists());
    }

    #[test]
    fn a_folder_that_was_swapped_for_a_link_is_refused() {
        let directory = tree();
        std::os::unix::fs::symlink("/etc", directory.path().join("workflows")).unwrap();
        assert!(folder(directory.path(), "workflows").is_err());
    }
}
