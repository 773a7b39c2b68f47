//! Reading and deleting one file.

use std::{fs::File, io::Read, os::unix::fs::FileExt};

use bytes::Bytes;
use futures_util::{Stream, stream};

use super::{Content, ContentError, blocking, path};
use crate::workspace::{
    paths::{PathError, RelativePath},
    reach::{Last, Missing, is_directory},
};

/// A file of at most this size is read at once; of a larger one as much at a time.
const PIECE: u64 = 128 * 1024;

/// A file on its way to a client.
pub enum Download {
    /// All of it.
    Whole(Bytes),
    /// Too much to hold.
    Long {
        /// Its length when it was opened, in bytes.
        length: u64,
        /// The file.
        file: File,
    },
}

impl Download {
    /// The pieces of a long file. One that becomes shorter meanwhile ends with an error: the client must not take it for whole.
    pub fn pieces(file: File, length: u64) -> impl Stream<Item = Result<Bytes, std::io::Error>> {
        stream::try_unfold((file, 0), move |(file, at)| async move {
            let want = length.saturating_sub(at).min(PIECE);
            if want == 0 {
                return Ok(None);
            }
            let read = tokio::task::spawn_blocking(move || {
                let mut piece = vec![0; usize::try_from(want).unwrap_or(0)];
                file.read_exact_at(&mut piece, at)?;
                Ok::<_, std::io::Error>((Bytes::from(piece), file))
            });
            let (piece, file) = read.await.map_err(std::io::Error::other)??;
            Ok(Some((piece, (file, at + want))))
        })
    }
}

impl Content {
    /// Opens a file; links that stay inside the workspace are followed.
    pub fn read(&self, text: &str) -> Result<Download, ContentError> {
        let (path, failed) = (named(text)?, |error| ContentError::beneath("file", error));
        let place = self.open()?.reach(Some(&path), Missing::Refuse, Last::Follow).map_err(failed)?;
        if place.stat().map_err(failed)?.as_ref().is_some_and(is_directory) {
            return Err(ContentError::IsDirectory(path.to_string()));
        }
        let mut file = place.file().map_err(failed)?;
        let length = file.metadata().map_err(|error| ContentError::io(path.as_str(), error))?.len();
        if length > PIECE {
            return Ok(Download::Long { length, file });
        }
        let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or(0));
        let read = (&mut file).take(PIECE).read_to_end(&mut bytes);
        read.map_err(|error| ContentError::io(path.as_str(), error))?;
        Ok(Download::Whole(bytes.into()))
    }

    /// Deletes a file, or a link itself; a directory is refused.
    pub async fn delete(&self, text: &str) -> Result<(), ContentError> {
        let (path, root) = (named(text)?, self.open()?);
        // Giving the blocks of a large file back takes a while.
        blocking(move || {
            let failed = |error| ContentError::beneath("file", error);
            let place = root.reach(Some(&path), Missing::Refuse, Last::Keep).map_err(failed)?;
            if place.stat().map_err(failed)?.as_ref().is_some_and(is_directory) {
                return Err(ContentError::IsDirectory(path.to_string()));
            }
            place.remove().map_err(failed)
        })
        .await
    }
}

fn named(text: &str) -> Result<RelativePath, ContentError> {
    path(text)?.ok_or(match text {
        "" => ContentError::Path(PathError::Empty),
        _ => ContentError::IsDirectory("the workspace".to_owned()),
    })
}
