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
            tokio::select! {
                // In this order: what is there is read before it is said that nothing is.
                biased;
                chunk = reader.next() => {
                    if piece.is_empty() {
                        due = Instant::now() + COMPANY;
                    }
                    self.take(&mut piece, &chunk?).await?;
                }
                () = sleep_until(due), if !piece.is_empty() => self.put(&mut piece).await?,
                () = self.archive.ending.cancelled() => {
                    if piece.is_empty() {
                        return Ok(());
                    }
                    self.put(&mut piece).await?;
                }
                () = self.uploaded.closed(), if piece.is_empty() => {
                    if self.is_over(&reader)? {
                        return Ok(());
                    }
                }
            }
        }
    }

    fn is_over(&self, reader: &Reader) -> Result<bool, LogError> {
        self.archive.is_over(&self.key, &self.log, reader)
    }

    async fn take(&self, piece: &mut Piece, chunk: &Chunk) -> Result<(), Stop> {
        for record in chunk.records() {
            piece.push(&self.thread, &record);
            if piece.is_whole() {
                self.put(piece).await?;
            }
        }
        Ok(())
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
