//! What the handles of a log, its readers and the sync thread share.

use std::{
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Instant,
};

use serde_json::value::RawValue;
use tokio::sync::watch;

use crate::agui::Id;

use super::{
    AcceptedInput, LogError, Recovery, Seq,
    crowd::Crowd,
    files::Files,
    inputs::{Journal, on_one_line},
    mark::MarkFile,
    names,
    published::Published,
    recovery::{Opened, recover},
    ring::Ring,
    segment::Segment,
    store::Shared,
    syncer::Synced,
    trim::Trimmed,
    writer::Writer,
};

/// What clones, readers and the sync thread share. Locks are taken in the order of the fields.
pub(super) struct LogInner {
    pub(super) id: Id,
    pub(super) files: Files,
    pub(super) shared: Arc<Shared>,
    pub(super) mark: MarkFile,
    pub(super) report: Recovery,
    /// One sync at a time.
    pub(super) sync_turn: Mutex<()>,
    writer: Mutex<Writer>,
    journal: Mutex<Journal>,
    trimmed: Mutex<Trimmed>,
    published: Mutex<Published>,
    /// Wakes readers: the last number.
    pub(super) tip: watch::Sender<Seq>,
    /// Readers that are woken together.
    pub(super) crowd: Crowd,
    /// Counts writes: a ticket for those who wait for a sync.
    pub(super) written: AtomicU64,
    /// Whether the sync thread knows of the writes since its last sync.
    pub(super) sync_planned: AtomicBool,
    pub(super) synced: watch::Sender<Synced>,
}

impl LogInner {
    /// Opens a log in its directory, which exists.
    pub(super) fn open(shared: Arc<Shared>, id: &Id, files: Files) -> Result<Self, LogError> {
        let mark = MarkFile::open(&files, id, shared.options.grant_step)?;
        let opened = recover(&files, &mark)?;
        let journal = Journal::open(&files)?;
        Ok(Self::new(shared, id.clone(), files, mark, journal, opened))
    }

    fn new(shared: Arc<Shared>, id: Id, files: Files, mark: MarkFile, journal: Journal, opened: Opened) -> Self {
        let Opened { segments, active, runs, trimmed, last, next, report } = opened;
        let writer = Writer::new(next, segments.last(), active);
        let published = Published {
            last: next - 1,
            ring: Ring::new(shared.options.ring_bytes, last),
            segments,
            trimmed: trimmed.through,
            runs,
            stopped: None,
        };
        let synced = Synced { ticket: 0, last, failure: None };
        Self {
            id,
            files,
            shared,
            mark,
            report,
            sync_turn: Mutex::new(()),
            writer: Mutex::new(writer),
            journal: Mutex::new(journal),
            trimmed: Mutex::new(trimmed),
            published: Mutex::new(published),
            tip: watch::Sender::new(next - 1),
            crowd: Crowd::default(),
            written: AtomicU64::new(0),
            sync_planned: AtomicBool::new(false),
            synced: watch::Sender::new(synced),
        }
    }

    /// Writes an input down; false if its run is known.
    pub(super) fn accept(self: &Arc<Self>, run_id: &Id, at: i64, input: &RawValue) -> Result<bool, LogError> {
        // Under the writer's lock, so that no run can start between the question and the note.
        let writer = self.writer();
        writer.stopped.clone().map_or(Ok(()), Err)?;
        let mut journal = self.journal();
        if journal.contains(run_id) || self.published().runs.get(run_id).is_some() {
            return Ok(false);
        }
        let synced = self.synced.borrow().last;
        // A run may have records before its RUN_STARTED: it is on disk for certain when all of them are.
        let done = |id: &Id| {
            let published = self.published();
            published.runs.get(id).is_some_and(|run| run.started && run.last <= synced)
        };
        journal.forget(self.shared.options.journal_bytes, done)?;
        journal.add(AcceptedInput { run_id: run_id.clone(), at, input: on_one_line(input)? })?;
        drop((journal, writer));
        self.wrote();
        Ok(true)
    }

    /// Plans the sync of what was just written.
    pub(super) fn wrote(self: &Arc<Self>) {
        self.written.fetch_add(1, Ordering::SeqCst);
        if !self.sync_planned.swap(true, Ordering::SeqCst) {
            let due = Instant::now() + self.shared.options.sync_delay;
            self.shared.syncer.request(self, due);
        }
    }

    /// Counts a write whose sync the caller asks for itself; its ticket.
    pub(super) fn wrote_urgently(&self) -> u64 {
        // Nobody else needs to plan a sync until this one has begun.
        self.sync_planned.store(true, Ordering::SeqCst);
        self.written.fetch_add(1, Ordering::SeqCst) + 1
    }

    /// Writes down what is in a segment whose records are synced.
    pub(super) fn write_index(&self, first: Seq, sealed: bool) -> Result<(), LogError> {
        let index = {
            let mut published = self.published();
            let segment = published.segments.iter_mut().find(|segment| segment.first == first);
            segment.map(|segment| {
                segment.sealed |= sealed;
                segment.clone()
            })
        };
        // It may have been trimmed.
        let write = |index: &Segment| self.files.write_json(&names::index(first), index);
        index.as_ref().map_or(Ok(()), write)
    }

    /// Takes nothing more, syncs what there is, and notes that nothing is missing.
    pub(super) fn close(&self) -> Result<(), LogError> {
        let (last, active) = {
            let mut writer = self.writer();
            let closed = self.closed();
            writer.end(self, &closed);
            (writer.next - 1, writer.active_segment())
        };
        self.sync_now();
        self.synced.borrow().failure.clone().map_or(Ok(()), Err)?;
        if self.mark.get().clean {
            return Ok(());
        }
        active.map_or(Ok(()), |first| self.write_index(first, false))?;
        self.mark.finish(last)
    }

    pub(super) fn closed(&self) -> LogError {
        LogError::Closed { dir: self.files.dir.clone() }
    }

    // The state behind these locks is changed only by steps that cannot panic half way.

    pub(super) fn writer(&self) -> MutexGuard<'_, Writer> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn journal(&self) -> MutexGuard<'_, Journal> {
        self.journal.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn trimmed(&self) -> MutexGuard<'_, Trimmed> {
        self.trimmed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn published(&self) -> MutexGuard<'_, Published> {
        self.published.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for LogInner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogInner").field("id", &self.id).field("dir", &self.files.dir).finish_non_exhaustive()
    }
}
