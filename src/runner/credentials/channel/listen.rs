//! The socket that agents' helpers ask on.

use std::{
    fs::{self, Permissions},
    io,
    os::unix::fs::{FileTypeExt, PermissionsExt},
    path::Path,
    sync::Arc,
    time::Duration,
};

use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{UnixListener, UnixStream},
    sync::Semaphore,
};

use super::Desk;
use crate::runner::credentials::wire::{MAX_LINE, Question};

/// For this user and this group: the agent's container has another user.
const MODE: u32 = 0o660;
/// How many may ask at once; more wait.
const AT_ONCE: usize = 64;
/// How long a helper may take to ask, and to take the answer.
const SPEAK_WITHIN: Duration = Duration::from_secs(10);
/// How long nothing is accepted after an error: no file descriptors, say.
const PAUSE: Duration = Duration::from_millis(100);

/// Listens; what a dead runner left is replaced, and nobody meets the socket with another mode.
pub(super) fn bind(path: &Path) -> io::Result<UnixListener> {
    match fs::symlink_metadata(path) {
        Ok(found) if !found.file_type().is_socket() => {
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, "there is something that is no socket"));
        }
        Ok(_) | Err(_) => {}
    }
    let new = path.with_extension("new");
    if let Err(error) = fs::remove_file(&new)
        && error.kind() != io::ErrorKind::NotFound
    {
        return Err(error);
    }
    let listener = UnixListener::bind(&new)?;
    fs::set_permissions(&new, Permissions::from_mode(MODE))?;
    fs::rename(&new, path)?;
    Ok(listener)
}

/// Answers until it is dropped.
pub(super) async fn serve(listener: UnixListener, desk: Arc<Desk>) {
    let places = Arc::new(Semaphore::new(AT_ONCE));
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else {
            return;
        };
        match listener.accept().await {
            Ok((stream, _)) => {
                let desk = Arc::clone(&desk);
                tokio::spawn(async move {
                    let _place = place;
                    // Whoever goes away or speaks nonsense gets nothing.
                    converse(stream, &desk).await.ok();
                });
            }
            Err(error) => {
                tracing::warn!(%error, "an agent's helper could not be heard");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

async fn converse(stream: UnixStream, desk: &Desk) -> io::Result<()> {
    let (read, mut write) = stream.into_split();
    let mut line = String::new();
    let limit = u64::try_from(MAX_LINE).unwrap_or(u64::MAX);
    let mut read = BufReader::new(read.take(limit));
    tokio::time::timeout(SPEAK_WITHIN, read.read_line(&mut line)).await??;
    let question: Question = serde_json::from_str(&line)?;
    let mut reply = serde_json::to_vec(&desk.answer(&question).await)?;
    reply.push(b'\n');
    tokio::time::timeout(SPEAK_WITHIN, write.write_all(&reply)).await??;
    Ok(())
}
