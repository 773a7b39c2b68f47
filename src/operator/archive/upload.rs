//! The uploader of one thread.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use tokio::{
    sync::watch,
    time::{Instant, sleep, sleep_until},
};

use super::{Inner, bucket::Created, paths, piece::Piece, retry};
use crate::{
    agui::Id,
    eventlog::{Chunk, LogError, Reader, Seq, ThreadLog},
};

/// How long a record waits for others.
const COMPANY: Duration = Duration::from_secs(1);
/// When a log that cannot be read is read again.
const AGAIN: Duration = Duration::from_mins(1);

/// What an uploader has.
pub(super) struct Upload {
    pub(super) archive: Arc<Inner>,
    pub(super) key: Id,
    pub(super) uid: String,
    pub(super) thread: Id,
    /// The thread's folder in the bucket.
    pub(super) folder: String,
    pub(super) log: ThreadLog,
    pub(super) uploaded: Arc<watch::Sender<Seq>>,
}

/// Why an uploader stops.
enum Stop {
    /// The log cannot be read.
    Log(LogError),
    /// Another operator writes here; this one ends.
    Taken,
}

impl From<LogError> for Stop {
    fn from(error: LogError) -> Self {
        Self::Log(error)
    }
}

impl Upload {
    /// Until nobody writes and everything is uploaded.
    pub(super) async fn run(self) {
        loop {
            match self.go_on().await {
                Ok(()) | Err(Stop::Taken | Stop::Log(LogError::Closed { .. })) => return,
                Err(Stop::Log(error)) => {
                    tracing::warn!(session = %self.uid, thread = %self.thread, %error, "events are not uploaded");
                }
            }
            sleep(AGAIN).await;
        }
    }

    async fn go_on(&self) -> Result<(), Stop> {
        let uploaded = *self.uploaded.borrow();
        let mut reader = self.log.reader(uploaded.max(self.log.first_seq().saturating_sub(1)));
        let (mut piece, mut due) = (Piece::default(), Instant::now());
        loop {
            let ends = tokio::select! {
                biased;
                chunk = reader.next() => {
                    due = self.take(&mut piece, due, &chunk?).await?;
                    continue;
                }
                () = sleep_until(due), if !piece.is_empty() => {
                    self.put(&mut piece).await?;
                    continue;
                }
                () = self.archive.ending.cancelled() => true,
                () = self.uploaded.closed(), if piece.is_empty() => false,
            };
            // Reading files takes a while, and is not begun again and again.
            if !is_read(&self.log, &reader)? {
                let chunk = reader.next().await?;
                due = self.take(&mut piece, due, &chunk).await?;
            } else if !piece.is_empty() {
                self.put(&mut piece).await?;
            } else if ends || self.archive.is_over(&self.key, &self.log, &reader)? {
                return Ok(());
            }
        }
    }

    /// Takes what was read, and uploads what is whole; when the rest is due.
    async fn take(&self, piece: &mut Piece, due: Instant, chunk: &Chunk) -> Result<Instant, Stop> {
        let due = if piece.is_empty() { Instant::now() + COMPANY } else { due };
        for record in chunk.records() {
            piece.push(&self.thread, &record);
            if piece.is_whole() {
                self.put(piece).await?;
            }
        }
        Ok(due)
    }

    async fn put(&self, piece: &mut Piece) -> Result<(), Stop> {
        // Whoever finds the piece is to know whose it is.
        self.archive.noted(&self.uid).await;
        self.log.sync().await?;
        let Piece { first, last, lines, .. } = std::mem::take(piece);
        let bucket = &self.archive.bucket;
        let path = paths::piece(&bucket.prefix, &self.uid, &self.folder, first);
        let lines = Bytes::from(lines);
        let created = retry::until_done("take events", || bucket.create(&path, lines.clone())).await;
        match created {
            Created::Ours => self.uploaded.send_replace(last),
            Created::Taken => {
                self.archive.taken.send_replace(Some(bucket.name(&path)));
                return Err(Stop::Taken);
            }
        };
        Ok(())
    }
}

/// Whether a reader has read all there is.
pub(super) fn is_read(log: &ThreadLog, reader: &Reader) -> Result<bool, LogError> {
    Ok(log.reader(reader.cursor()).try_next()?.is_none())
}
