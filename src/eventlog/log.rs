//! The log of one thread.

use std::{
    fmt,
    ops::Range,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Instant,
};

use serde_json::value::RawValue;
use tokio::sync::watch;

use crate::agui::{Event, Id};

use super::{
    AcceptedInput, LogError, Reader, Recovery, RunSpan, Seq,
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

/// The log of one thread. Clones are the same log; it stays open as long as one of them or a reader lives.
///
/// The blocking methods make short page-cache writes. A few of them sync now and then: the first append after a clean end
/// (the grant of numbers), [`Self::set_first_seq`], [`Self::acknowledge`].
#[derive(Debug, Clone)]
pub struct ThreadLog {
    inner: Arc<LogInner>,
}

/// What clones, readers and the sync thread share. Locks are taken in the order of the fields.
pub(super) struct LogInner {
    pub(super) id: Id,
    pub(super) files: Files,
    pub(super) shared: Arc<Shared>,
    pub(super) mark: MarkFile,
    report: Recovery,
    /// One sync at a time.
    pub(super) sync_turn: Mutex<()>,
    writer: Mutex<Writer>,
    journal: Mutex<Journal>,
    trimmed: Mutex<Trimmed>,
    published: Mutex<Published>,
    /// Wakes readers: the last number.
    pub(super) tip: watch::Sender<Seq>,
    /// Counts writes: a ticket for those who wait for a sync.
    pub(super) written: AtomicU64,
    /// Whether the sync thread knows of the writes since its last sync.
    pub(super) sync_planned: AtomicBool,
    pub(super) synced: watch::Sender<Synced>,
}

impl ThreadLog {
    /// Opens a log in its directory, which exists.
    pub(super) fn open(shared: Arc<Shared>, id: &Id, files: Files) -> Result<Self, LogError> {
        let mark = MarkFile::open(&files, id, shared.options.grant_step)?;
        let opened = recover(&files, &mark)?;
        let journal = Journal::open(&files)?;
        let inner = Arc::new(LogInner::new(
            shared,
            id.clone(),
            files,
            mark,
            journal,
            opened,
        ));
        Ok(Self { inner })
    }

    pub(super) fn from_inner(inner: Arc<LogInner>) -> Self {
        Self { inner }
    }

    pub(super) fn inner(&self) -> &Arc<LogInner> {
        &self.inner
    }

    /// The thread's id.
    #[must_use]
    pub fn id(&self) -> &Id {
        &self.inner.id
    }

    /// What opening the log found and put right.
    #[must_use]
    pub fn recovery(&self) -> &Recovery {
        &self.inner.report
    }

    /// Appends events of one run as one write; `at` is milliseconds since the Unix epoch. Returns their numbers.
    ///
    /// When it returns, the events are in the file and readers see them; they are on disk within 50 ms, or when
    /// [`Self::sync`] says so. After an error nothing was appended, and no reader ever sees part of a batch.
    pub fn append(&self, run_id: &Id, at: i64, events: &[Event]) -> Result<Range<Seq>, LogError> {
        let range = self
            .inner
            .writer()
            .append(&self.inner, run_id, at, events)?;
        if !range.is_empty() {
            self.inner.wrote();
        }
        Ok(range)
    }

    /// [`Self::append`] for the last events of a run: when the disk is full, it uses the space that the store has set
    /// aside for them.
    pub fn append_reserved(
        &self,
        run_id: &Id,
        at: i64,
        events: &[Event],
    ) -> Result<Range<Seq>, LogError> {
        match self.append(run_id, at, events) {
            Err(LogError::DiskFull { .. }) if self.inner.shared.reserve.release() => {
                self.append(run_id, at, events)
            }
            other => other,
        }
    }

    /// Resolves when everything appended or accepted before the call is on disk; many callers share one sync. A disk that
    /// hangs makes it hang: the caller knows how long it can wait.
    pub async fn sync(&self) -> Result<(), LogError> {
        let ticket = self.inner.written.load(Ordering::SeqCst);
        let mut synced = self.inner.synced.subscribe();
        let reached = |synced: &Synced| synced.ticket >= ticket || synced.failure.is_some();
        if !reached(&synced.borrow()) {
            self.inner
                .shared
                .syncer
                .request(&self.inner, Instant::now());
        }
        let state = synced
            .wait_for(reached)
            .await
            .map_err(|_| self.inner.closed())?;
        match &state.failure {
            Some(failure) if state.ticket < ticket => Err(failure.clone()),
            Some(_) | None => Ok(()),
        }
    }

    /// The last number that was handed out (or left out); 0 if none was.
    #[must_use]
    pub fn last_seq(&self) -> Seq {
        *self.inner.tip.borrow()
    }

    /// The first record that can be read; `last_seq() + 1` if there is none.
    #[must_use]
    pub fn first_seq(&self) -> Seq {
        self.inner.published().first()
    }

    /// All runs of the thread, in the order they began, also those whose records were trimmed.
    #[must_use]
    pub fn runs(&self) -> Vec<RunSpan> {
        self.inner.published().runs.all().to_vec()
    }

    /// Where a run is; `None` if the log has no record of it.
    #[must_use]
    pub fn run(&self, id: &Id) -> Option<RunSpan> {
        self.inner.published().runs.get(id).cloned()
    }

    /// A reader of everything after a number. Any number up to [`Self::last_seq`] will do: with the last one the reader
    /// waits for what comes, beyond it its first read is [`LogError::BeyondEnd`], and before the first available record
    /// it is [`LogError::Gap`].
    #[must_use]
    pub fn reader(&self, after: Seq) -> Reader {
        Reader::new(Arc::clone(&self.inner), after)
    }

    /// Makes the next record's number at least `first`: a new directory goes on where the event store says that the thread
    /// has got to. Does nothing if the log is already there. Returns when that is on disk.
    pub fn set_first_seq(&self, first: Seq) -> Result<(), LogError> {
        self.inner.start_at(first)
    }

    /// Says that everything up to `seq` is safe elsewhere. Whole segments up to there are deleted; the one that is
    /// appended to stays.
    pub fn acknowledge(&self, seq: Seq) -> Result<(), LogError> {
        self.inner.trim(seq)
    }

    /// Writes down the input of a run that is to start later, and resolves when that is on disk. False if the run is
    /// already known, accepted or in the log; nothing is written then.
    pub async fn accept(&self, run_id: &Id, at: i64, input: &RawValue) -> Result<bool, LogError> {
        let new = self.inner.accept(run_id, at, input)?;
        self.sync().await?;
        Ok(new)
    }

    /// The accepted inputs whose run has no `RUN_STARTED` in the log, oldest first.
    #[must_use]
    pub fn pending(&self) -> Vec<AcceptedInput> {
        let started = |id: &Id| self.run(id).is_some_and(|run| run.started);
        let journal = self.inner.journal();
        journal
            .entries()
            .iter()
            .filter(|entry| !started(&entry.run_id))
            .cloned()
            .collect()
    }
}

impl LogInner {
    fn new(
        shared: Arc<Shared>,
        id: Id,
        files: Files,
        mark: MarkFile,
        journal: Journal,
        opened: Opened,
    ) -> Self {
        let Opened {
            segments,
            active,
            runs,
            trimmed,
            last,
            next,
            report,
        } = opened;
        let writer = Writer::new(next, segments.last(), active);
        let published = Published {
            last: next - 1,
            ring: Ring::new(shared.options.ring_bytes, last),
            segments,
            trimmed: trimmed.through,
            runs,
            stopped: None,
        };
        let synced = Synced {
            ticket: 0,
            last,
            failure: None,
        };
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
            written: AtomicU64::new(0),
            sync_planned: AtomicBool::new(false),
            synced: watch::Sender::new(synced),
        }
    }

    fn accept(self: &Arc<Self>, run_id: &Id, at: i64, input: &RawValue) -> Result<bool, LogError> {
        // Under the writer's lock, so that no run can start between the question and the note.
        let writer = self.writer();
        writer.stopped.clone().map_or(Ok(()), Err)?;
        let mut journal = self.journal();
        if journal.contains(run_id) || self.published().runs.get(run_id).is_some() {
            return Ok(false);
        }
        let synced = self.synced.borrow().last;
        let done = |id: &Id| {
            let published = self.published();
            published
                .runs
                .get(id)
                .is_some_and(|run| run.started && run.first <= synced)
        };
        journal.forget(self.shared.options.journal_bytes, done)?;
        journal.add(AcceptedInput {
            run_id: run_id.clone(),
            at,
            input: on_one_line(input)?,
        })?;
        drop((journal, writer));
        self.wrote();
        Ok(true)
    }

    /// Plans the sync of what was just written.
    fn wrote(self: &Arc<Self>) {
        self.written.fetch_add(1, Ordering::SeqCst);
        if !self.sync_planned.swap(true, Ordering::SeqCst) {
            let due = Instant::now() + self.shared.options.sync_delay;
            self.shared.syncer.request(self, due);
        }
    }

    /// Writes down what is in a segment whose records are synced.
    pub(super) fn write_index(&self, first: Seq, sealed: bool) -> Result<(), LogError> {
        let index = {
            let mut published = self.published();
            let segment = published
                .segments
                .iter_mut()
                .find(|segment| segment.first == first);
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
        LogError::Closed {
            dir: self.files.dir.clone(),
        }
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
        self.published
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for LogInner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogInner")
            .field("id", &self.id)
            .field("dir", &self.files.dir)
            .finish_non_exhaustive()
    }
}
