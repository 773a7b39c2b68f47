//! Reading a log from any cursor.

use std::sync::Arc;

use tokio::{sync::watch, task};

use super::{
    Chunk, LogError, OpenMode, Seq,
    inner::LogInner,
    piece::PieceBuilder,
    published::{Next, Place},
    scan::{Named, read_lines, records},
    segment::Position,
};

/// A cursor in a log. It holds no events: it may be as slow as it likes, be dropped at any time, and go on later as a new
/// reader with the same cursor.
#[derive(Debug)]
pub struct Reader {
    log: Arc<LogInner>,
    cursor: Seq,
    /// Where the next record is, while reading files.
    place: Option<Place>,
    /// Changes whenever there is something new.
    tip: watch::Receiver<Seq>,
    /// Whether it is told together with others.
    in_crowd: bool,
}

impl Reader {
    pub(super) fn new(log: Arc<LogInner>, after: Seq) -> Self {
        let tip = log.tip.subscribe();
        Self { log, cursor: after, place: None, tip, in_crowd: false }
    }

    pub(super) fn in_crowd(log: Arc<LogInner>, after: Seq) -> Self {
        let tip = log.crowd.join(&log.tip);
        Self { log, cursor: after, place: None, tip, in_crowd: true }
    }

    /// The number of the last record that was read (or where the reader began).
    #[must_use]
    pub fn cursor(&self) -> Seq {
        self.cursor
    }

    /// The next records; waits for at least one. Cancelling it loses nothing.
    ///
    /// At the end of a log that was closed or has failed it returns that error, after everything there is.
    pub async fn next(&mut self) -> Result<Chunk, LogError> {
        // A reader that never has to wait must not keep the others from running.
        task::coop::consume_budget().await;
        loop {
            self.tip.borrow_and_update();
            let next = self.log.published().after(self.cursor, self.place)?;
            match next {
                Next::Ready(chunk) => return Ok(self.advance(chunk, None)),
                Next::OnDisk(place) => {
                    if let Some((chunk, place)) = self.read_elsewhere(place).await? {
                        return Ok(self.advance(chunk, Some(place)));
                    }
                }
                Next::Wait => self.wait().await?,
            }
        }
    }

    /// The next records, or `None` if there are none now. Reads files on the calling thread: for callers without a
    /// runtime.
    pub fn try_next(&mut self) -> Result<Option<Chunk>, LogError> {
        loop {
            let next = self.log.published().after(self.cursor, self.place)?;
            match next {
                Next::Ready(chunk) => return Ok(Some(self.advance(chunk, None))),
                Next::OnDisk(place) => {
                    if let Some((chunk, place)) = read(&self.log, place, self.cursor)? {
                        return Ok(Some(self.advance(chunk, Some(place))));
                    }
                }
                Next::Wait => return Ok(None),
            }
        }
    }

    fn advance(&mut self, chunk: Chunk, place: Option<Place>) -> Chunk {
        self.cursor = chunk.last;
        self.place = place;
        chunk
    }

    async fn wait(&mut self) -> Result<(), LogError> {
        match self.tip.changed().await {
            Ok(()) => Ok(()),
            // It joined when all others had just left.
            Err(_) if self.in_crowd => {
                self.tip = self.log.crowd.join(&self.log.tip);
                Ok(())
            }
            Err(_) => Err(self.log.closed()),
        }
    }

    /// Old segments may come from a slow disk, so they are read off the async threads; a few at a time, so that a
    /// thousand readers who come back at once do not take a thousand threads and buffers.
    async fn read_elsewhere(&self, place: Place) -> Result<Option<(Chunk, Place)>, LogError> {
        let closed = |_| self.log.closed();
        let _permit = self.log.shared.reads.acquire().await.map_err(closed)?;
        let (log, cursor) = (Arc::clone(&self.log), self.cursor);
        let reading = task::spawn_blocking(move || read(&log, place, cursor));
        reading.await.map_err(|_| self.log.closed())?
    }
}

/// Reads a bounded piece of a segment: the records after the cursor in it, and the place after them. `None` if the segment
/// was trimmed in the meantime.
fn read(log: &LogInner, place: Place, cursor: Seq) -> Result<Option<(Chunk, Place)>, LogError> {
    let name = super::names::segment(place.segment);
    let path = log.files.path(&name);
    let file = match log.files.open(&name, OpenMode::Existing) {
        Err(_) if log.published().trimmed >= place.segment => return Ok(None),
        opened => opened?,
    };
    let mut lines = Vec::new();
    let mut position = place.position;
    loop {
        let piece = log.shared.options.read_bytes;
        read_lines(&*file, position.offset, place.limit, piece, &mut lines)
            .map_err(|e| LogError::io("read", &path, e))?;
        let damaged = |at: usize| LogError::Corrupt {
            file: path.clone(),
            offset: position.offset + at as u64,
            what: "expected a record here",
        };
        let (chunk, next) = frames(&lines, position.seq, cursor).map_err(damaged)?;
        position = Position { seq: next, offset: position.offset + lines.len() as u64 };
        if let Some(chunk) = chunk {
            return Ok(Some((chunk, Place { position, ..place })));
        }
    }
}

/// The frames of the lines after the cursor, and the number after the last line. `Err` is where a line is no record.
fn frames(lines: &[u8], first: Seq, cursor: Seq) -> Result<(Option<Chunk>, Seq), usize> {
    let mut builder = PieceBuilder::new(first.max(cursor + 1), lines.len());
    let mut run = None;
    let mut next = first;
    for line in records(lines, first) {
        let (begin, line) = line?;
        next = line.seq + 1;
        if line.seq > cursor {
            let id = Named::of(&mut run, line.run).ok_or(begin)?;
            builder.origin(&id, line.at);
            builder.push(line.event);
        }
    }
    if next == first {
        return Err(0);
    }
    let chunk = (!builder.is_empty()).then(|| Chunk::new(Arc::new(builder.build()), 0));
    Ok((chunk, next))
}
