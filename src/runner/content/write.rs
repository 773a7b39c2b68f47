//! Writing a file whose content comes in with the body, in constant memory.
//!
//! The content goes into a draft as it comes; at the end the draft takes the file's place. Its encoding often comes after it,
//! so base64 is decoded at the end, in the draft. A client that goes away in the middle leaves nothing.

use std::{
    io::{Seek, Write},
    os::fd::AsFd,
};

use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use tokio::time::timeout;

use super::{
    Content, ContentError,
    base64::{self, DecodeError},
    blocking,
    json::{Decoded, Members, Reader},
    path,
};
use crate::workspace::{
    beneath::Root,
    draft::Draft,
    reach::{Last, Missing, Place, is_directory},
};

/// How much content is held in memory.
const HELD: usize = 128 * 1024;
/// A body of less is dealt with at once; more goes to a thread that may wait for the disk.
const AT_ONCE: usize = 64 * 1024;

impl Content {
    /// Writes a file from the pieces of a body `{"path", "content", "encoding"?}`.
    pub async fn write<E>(
        &self,
        body: &mut (impl Stream<Item = Result<Bytes, E>> + Unpin),
    ) -> Result<(), ContentError> {
        let mut writing = Writing::new(self.open()?);
        let mut left = self.limits.body;
        while let Some(piece) = self.piece(body).await? {
            let length = u64::try_from(piece.len()).unwrap_or(u64::MAX);
            left = left.checked_sub(length).ok_or(ContentError::TooLarge { limit: self.limits.body })?;
            for part in piece.chunks(HELD) {
                writing.reader.feed(part, &mut writing.decoded)?;
                if writing.decoded.bytes.len() >= HELD {
                    writing = blocking(move || writing.flushed()).await?;
                }
            }
        }
        if writing.draft.is_none() && writing.decoded.bytes.len() <= AT_ONCE {
            return writing.end();
        }
        blocking(move || writing.end()).await
    }

    async fn piece<E>(
        &self,
        body: &mut (impl Stream<Item = Result<Bytes, E>> + Unpin),
    ) -> Result<Option<Bytes>, ContentError> {
        let next = timeout(self.limits.patience, body.next()).await;
        let next = next.map_err(|_| ContentError::Incomplete("nothing came for too long"))?;
        next.transpose().map_err(|_| ContentError::Incomplete("the connection broke"))
    }
}

/// A write under way.
struct Writing {
    root: Root,
    reader: Reader,
    decoded: Decoded,
    draft: Option<Draft>,
}

impl Writing {
    fn new(root: Root) -> Self {
        Self { root, reader: Reader::default(), decoded: Decoded::default(), draft: None }
    }

    /// Moves what is held into the draft.
    fn flushed(mut self) -> Result<Self, ContentError> {
        let draft = match self.draft.take() {
            Some(draft) => draft,
            None => self.begin()?,
        };
        if std::mem::take(&mut self.decoded.restarted) {
            let restart = draft.file().set_len(0).and_then(|()| draft.file().rewind());
            restart.map_err(|error| self.failed(error))?;
        }
        draft.file().write_all(&self.decoded.bytes).map_err(|error| self.failed(error))?;
        self.decoded.bytes.clear();
        self.draft = Some(draft);
        Ok(self)
    }

    /// Beside the file, when its path has come before its content; else in the workspace.
    fn begin(&self) -> Result<Draft, ContentError> {
        if let Some(path) = self.reader.path() {
            let place = place(&self.root, path)?;
            let draft = place.draft().map_err(|error| ContentError::beneath("directory", error))?;
            return Ok(draft);
        }
        Draft::begin(self.root.as_fd()).map_err(|error| self.failed(error.into()))
    }

    fn end(mut self) -> Result<(), ContentError> {
        let members = std::mem::take(&mut self.reader).finish()?;
        let encoded = is_base64(&members)?;
        if !members.has_content {
            return Err(ContentError::Missing("content"));
        }
        if encoded && self.draft.is_none() {
            self.decoded.bytes = base64::decode(&self.decoded.bytes).ok_or(ContentError::Base64)?;
        }
        // The last path counts, and the directories may have changed while the content came.
        let place = place(&self.root, members.path.as_deref().unwrap_or_default())?;
        if self.draft.is_none() {
            self.draft = Some(place.draft().map_err(|error| ContentError::beneath("directory", error))?);
            return self.put(&place);
        }
        let mut written = self.flushed()?;
        if encoded {
            written.decode()?;
        }
        written.put(&place)
    }

    fn decode(&mut self) -> Result<(), ContentError> {
        let Some(draft) = &self.draft else { return Ok(()) };
        let length = draft.file().metadata().map_err(|error| self.failed(error))?.len();
        base64::decode_in_place(draft.file(), length).map_err(|error| match error {
            DecodeError::Invalid => ContentError::Base64,
            DecodeError::Io(error) => self.failed(error),
        })
    }

    fn put(self, place: &Place) -> Result<(), ContentError> {
        let Some(draft) = self.flushed()?.draft else { return Ok(()) };
        place.put(draft).map_err(|error| ContentError::beneath("directory", error))
    }

    fn failed(&self, error: std::io::Error) -> ContentError {
        ContentError::io(self.reader.path().unwrap_or("the content"), error)
    }
}

/// Where a file may be written: not over a directory.
fn place(root: &Root, text: &str) -> Result<Place, ContentError> {
    let missing = |error| ContentError::beneath("directory", error);
    let path = path(text)?.ok_or(ContentError::Path(crate::workspace::paths::PathError::Empty))?;
    let place = root.reach(Some(&path), Missing::Make, Last::Follow).map_err(missing)?;
    match place.stat().map_err(missing)? {
        Some(stat) if is_directory(&stat) => Err(ContentError::IsDirectory(path.to_string())),
        Some(_) | None => Ok(place),
    }
}

fn is_base64(members: &Members) -> Result<bool, ContentError> {
    match members.encoding.as_deref().unwrap_or_default() {
        "base64" => Ok(true),
        "" | "utf8" | "utf-8" | "text" | "plain" => Ok(false),
        other => Err(ContentError::Encoding(other.chars().take(40).collect())),
    }
}
