//! The supervisor's socket.

use std::{
    fs::{self, Permissions},
    io,
    os::unix::{
        fs::{FileTypeExt, MetadataExt, PermissionsExt},
        net::SocketAddr,
    },
    path::{Path, PathBuf},
};

use tokio::net::{UnixListener, UnixStream};

/// For this user and this group: who may write to a socket may connect.
const MODE: u32 = 0o660;

/// Why a supervisor cannot listen; the user must act.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BindError {
    /// Something else is in the socket's place, and is not touched.
    #[error("{} exists and is no socket: remove it, or choose another path", .0.display())]
    NotASocket(PathBuf),
    /// Two supervisors on one socket would take each other's requests.
    #[error("another supervisor listens on {}: end it, or choose another path", .0.display())]
    InUse(PathBuf),
    /// The socket cannot be made.
    #[error("cannot listen on {}: {source}. Its folder must exist and be writable, and the path be at most 100 bytes long", path.display())]
    Io {
        /// The socket's path.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// A listening socket; dropping it removes the file.
pub(super) struct Socket {
    pub(super) listener: UnixListener,
    path: PathBuf,
    inode: u64,
}

impl Socket {
    /// Made under another name and moved into place, so that nobody meets it with another mode, or a moment without it.
    pub(super) async fn bind(path: &Path) -> Result<Self, BindError> {
        let failed = |source| BindError::Io { path: path.to_owned(), source };
        // The bind is on another, shorter name; clients would fail on a longer one.
        SocketAddr::from_pathname(path).map_err(failed)?;
        check_place(path).await?;
        let new = path.with_file_name(".agent.new");
        remove(&new).map_err(failed)?;
        let listener = UnixListener::bind(&new).map_err(failed)?;
        fs::set_permissions(&new, Permissions::from_mode(MODE)).map_err(failed)?;
        let inode = fs::metadata(&new).map_err(failed)?.ino();
        fs::rename(&new, path).map_err(failed)?;
        Ok(Self { listener, path: path.to_owned(), inode })
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        let ours = fs::symlink_metadata(&self.path).is_ok_and(|found| found.ino() == self.inode);
        if ours && let Err(error) = fs::remove_file(&self.path) {
            tracing::warn!(%error, path = %self.path.display(), "the socket stays");
        }
    }
}

async fn check_place(path: &Path) -> Result<(), BindError> {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(source) => Err(BindError::Io { path: path.to_owned(), source }),
        Ok(found) if !found.file_type().is_socket() => Err(BindError::NotASocket(path.to_owned())),
        Ok(_) if UnixStream::connect(path).await.is_ok() => Err(BindError::InUse(path.to_owned())),
        Ok(_) => Ok(()),
    }
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
