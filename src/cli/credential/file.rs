//! Files that a program is started with.

use std::{
    env,
    fs::{self, DirBuilder, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use crate::runner::credentials::wire::Place;

/// The helpers' folder in the agent's home.
const FOLDER: &str = ".ambient-credentials";

/// Puts a file where it belongs; the answer is what its variable says.
pub(super) fn put(place: &Place, content: &str) -> io::Result<PathBuf> {
    let home = env::var_os("HOME").filter(|home| !home.is_empty()).map_or_else(env::temp_dir, PathBuf::from);
    put_below(&home.join(FOLDER), place, content)
}

fn put_below(base: &Path, place: &Place, content: &str) -> io::Result<PathBuf> {
    match place {
        Place::Memory => in_memory(content),
        Place::File { name } => {
            let path = base.join(plain(name)?);
            on_disk(base, &path, content)?;
            Ok(path)
        }
        Place::Folder { folder, name } => {
            let folder = base.join(plain(folder)?);
            on_disk(&folder, &folder.join(plain(name)?), content)?;
            Ok(folder)
        }
    }
}

/// One step of a path.
fn plain(name: &str) -> io::Result<&str> {
    let is_plain = !name.is_empty() && !name.contains(['/', '\0']) && name != "." && name != "..";
    is_plain.then_some(name).ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "its name is none"))
}

/// Open in the process that we become and in nobody else; it is gone with it.
#[cfg(target_os = "linux")]
fn in_memory(content: &str) -> io::Result<PathBuf> {
    use std::os::fd::{AsFd, IntoRawFd};

    use rustix::fs::{MemfdFlags, Mode, fchmod, memfd_create};

    let mut file = fs::File::from(memfd_create("credential", MemfdFlags::empty())?);
    fchmod(file.as_fd(), Mode::RUSR | Mode::WUSR)?;
    file.write_all(content.as_bytes())?;
    Ok(PathBuf::from(format!("/proc/self/fd/{}", file.into_raw_fd())))
}

#[cfg(not(target_os = "linux"))]
fn in_memory(_: &str) -> io::Result<PathBuf> {
    Err(io::Error::new(io::ErrorKind::Unsupported, "this system has no files in memory"))
}

/// For this user alone, and never half of it.
fn on_disk(folder: &Path, path: &Path, content: &str) -> io::Result<()> {
    if fs::read_to_string(path).is_ok_and(|known| known == content) {
        return Ok(());
    }
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let new = folder.join(format!(".new-{}", uuid::Uuid::new_v4().simple()));
    let written = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new);
    let written = written.and_then(|mut file| file.write_all(content.as_bytes())).and_then(|()| fs::rename(&new, path));
    if written.is_err() {
        let _ = fs::remove_file(&new);
    }
    written
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn a_file_is_its_users_alone_and_replaced_as_a_whole() {
        let dir = tempfile::tempdir().unwrap();
        let base = dir.path().join("base");
        let place = Place::Folder { folder: "google-1".to_owned(), name: "a@b.json".to_owned() };
        for content in ["first", "second, longer", "second, longer", "3"] {
            let folder = put_below(&base, &place, content).unwrap();
            let file = folder.join("a@b.json");
            assert_eq!(fs::read_to_string(&file).unwrap(), content);
            assert_eq!((mode(&file), mode(&folder), mode(&base)), (0o600, 0o700, 0o700));
            assert_eq!(fs::read_dir(&folder).unwrap().count(), 1, "nothing half is left");
        }
    }

    #[test]
    fn a_file_in_memory_can_be_read_and_is_in_no_folder() {
        let dir = tempfile::tempdir().unwrap();
        let path = put_below(&dir.path().join("base"), &Place::Memory, "text").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "text");
        assert_eq!(mode(&path), 0o600);
        assert!(!dir.path().join("base").exists());
    }

    #[test]
    fn a_name_is_one_step() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["", ".", "..", "../x", "a/b", "/x"] {
            let place = Place::File { name: name.to_owned() };
            assert!(put_below(dir.path(), &place, "text").is_err(), "{name}");
        }
    }
}
