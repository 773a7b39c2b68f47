//! Appending.

use std::{io, ops::Range, sync::Arc};

use crate::agui::{Event, Id};

use super::{
    LogError, LogFile, OpenMode, RunSpan, Seq, encode::Batch, inner::LogInner, names, segment::Segment,
    storage::write_all_at,
};

/// The writing side of a log, under a lock.
pub(super) struct Writer {
    /// The next record's number.
    pub(super) next: Seq,
    active: Option<Active>,
    batch: Batch,
    work: SyncWork,
    /// Why nothing more is taken, once that is so.
    pub(super) stopped: Option<LogError>,
}

/// The segment that is appended to.
struct Active {
    first: Seq,
    next: Seq,
    bytes: u64,
    file: Arc<dyn LogFile>,
    /// Whether the next sync knows about it already.
    unsynced: bool,
}

/// What the next sync has to do.
#[derive(Default)]
pub(super) struct SyncWork {
    /// Files with new records, oldest first.
    pub(super) files: Vec<Arc<dyn LogFile>>,
    /// Whether the directory has new files.
    pub(super) new_files: bool,
    /// Segments that are complete: after the sync they get their index.
    pub(super) complete: Vec<Seq>,
}

impl Writer {
    pub(super) fn new(next: Seq, segment: Option<&Segment>, file: Option<Arc<dyn LogFile>>) -> Self {
        let active = segment.zip(file).map(|(segment, file)| Active {
            first: segment.first,
            next: segment.next,
            bytes: segment.bytes,
            file,
            unsynced: false,
        });
        let (batch, work) = (Batch::default(), SyncWork::default());
        Self { next, active, batch, work, stopped: None }
    }

    /// Numbers the events, puts them into the file with one write, and only then shows them to readers.
    pub(super) fn append(
        &mut self,
        log: &LogInner,
        run_id: &Id,
        at: i64,
        events: &[Event],
    ) -> Result<Range<Seq>, LogError> {
        self.stopped.clone().map_or(Ok(()), Err)?;
        let first = self.next;
        let range = first..first + events.len() as Seq;
        if range.is_empty() {
            return Ok(range);
        }
        log.mark.grant(first, range.end - 1)?;
        self.batch.fill(first, run_id, at, events)?;
        self.make_room(log)?;
        self.write(log)?;
        self.publish(log, run_id, at, range.end - 1);
        self.next = range.end;
        Ok(range)
    }

    /// Begins a new segment where the current one is full or cannot take the next number.
    fn make_room(&mut self, log: &LogInner) -> Result<(), LogError> {
        match &self.active {
            Some(active) if active.next == self.next => {
                if active.bytes < log.shared.options.segment_bytes {
                    return Ok(());
                }
                match self.begin_segment(log) {
                    // A longer segment does no harm, and the record may still fit.
                    Err(LogError::DiskFull { .. }) => Ok(()),
                    begun => begun,
                }
            }
            Some(_) | None => self.begin_segment(log),
        }
    }

    /// Begins the segment of the next number.
    pub(super) fn begin_segment(&mut self, log: &LogInner) -> Result<(), LogError> {
        if self.active.as_ref().is_some_and(|active| active.next != self.next) {
            self.seal(log)?;
        }
        // No record has this number or a higher one: a file of that name can only be a failed attempt.
        let file = log.files.open(&names::segment(self.next), OpenMode::Empty)?;
        let follows = self.active.as_ref().is_some_and(|active| active.next == self.next);
        if !follows {
            // Nothing before it tells where this segment begins, so it must not get lost while a later one stays.
            self.sync_dir(log)?;
        }
        if let Some(full) = self.active.take().filter(|_| follows) {
            self.work.complete.push(full.first);
        }
        self.work.new_files = true;
        log.published().segments.push(Segment::new(self.next));
        let (first, next) = (self.next, self.next);
        self.active = Some(Active { first, next, bytes: 0, file, unsynced: false });
        Ok(())
    }

    /// Ends a segment before a hole in the numbers: it is synced and says so in its index, so that the hole is never
    /// taken for lost records.
    fn seal(&mut self, log: &LogInner) -> Result<(), LogError> {
        let Some(active) = &self.active else {
            return Ok(());
        };
        let (first, synced) = (active.first, active.file.sync());
        self.expect_synced(log, synced)?;
        self.sync_dir(log)?;
        log.write_index(first, true)
    }

    fn sync_dir(&mut self, log: &LogInner) -> Result<(), LogError> {
        let synced = log.files.storage.sync_dir(&log.files.dir);
        self.expect_synced(log, synced)
    }

    fn expect_synced(&mut self, log: &LogInner, synced: io::Result<()>) -> Result<(), LogError> {
        synced.map_err(|error| self.stop(log, format!("sync failed: {error}")))
    }

    /// One write for the whole batch. After an error the file is as before.
    fn write(&mut self, log: &LogInner) -> Result<(), LogError> {
        let Some(active) = &mut self.active else {
            return Err(log.closed());
        };
        let Err(error) = write_all_at(&*active.file, &self.batch.lines, active.bytes) else {
            if !active.unsynced {
                active.unsynced = true;
                self.work.files.push(Arc::clone(&active.file));
            }
            return Ok(());
        };
        let path = log.files.path(&names::segment(active.first));
        if let Err(second) = active.file.set_length(active.bytes) {
            // Half a batch is in the file: whatever was appended now would follow it.
            return Err(self.stop(log, format!("{error}; and then {second}")));
        }
        Err(LogError::io("write", &path, error))
    }

    fn publish(&mut self, log: &LogInner, run_id: &Id, at: i64, last: Seq) {
        let bytes = self.batch.lines.len() as u64;
        if let Some(active) = &mut self.active {
            active.bytes += bytes;
            active.next = last + 1;
        }
        let batch = &self.batch;
        let (first, started, ended) = (batch.first, batch.started, batch.ended);
        let span = RunSpan { run_id: run_id.clone(), first, last, started, ended };
        let mut published = log.published();
        published.grow(&span, bytes);
        published.ring.push(batch, run_id, at);
        drop(published);
        log.tip.send_replace(last);
    }

    /// Takes no more records from now on.
    pub(super) fn stop(&mut self, log: &LogInner, reason: String) -> LogError {
        let error = LogError::Failed { dir: log.files.dir.clone(), reason };
        self.end(log, &error);
        error
    }

    /// Takes no more records from now on, and tells readers and waiting syncs (the first reason stays).
    pub(super) fn end(&mut self, log: &LogInner, error: &LogError) {
        if self.stopped.is_none() {
            self.stopped = Some(error.clone());
            log.published().stopped = Some(error.clone());
        }
        log.tip.send_modify(|_| {});
    }

    /// What is to be synced now.
    pub(super) fn take_work(&mut self) -> SyncWork {
        if let Some(active) = &mut self.active {
            active.unsynced = false;
        }
        std::mem::take(&mut self.work)
    }

    /// The first number of the current segment.
    pub(super) fn active_segment(&self) -> Option<Seq> {
        self.active.as_ref().map(|active| active.first)
    }
}
