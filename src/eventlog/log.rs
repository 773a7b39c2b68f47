//! The log of one thread.

use std::{
    ops::Range,
    sync::{Arc, atomic::Ordering},
    time::Instant,
};

use serde_json::value::RawValue;

use crate::agui::{Event, Id};

use super::{AcceptedInput, LogError, Reader, Recovery, RunSpan, Seq, inner::LogInner, syncer::Synced};

/// The log of one thread. Clones are the same log; it stays open as long as one of them or a reader lives.
///
/// The blocking methods make short page-cache writes. A few of them sync now and then: the first append after a clean end
/// (the grant of numbers), [`Self::set_first_seq`], [`Self::acknowledge`].
#[derive(Debug, Clone)]
pub struct ThreadLog {
    pub(super) inner: Arc<LogInner>,
}

impl ThreadLog {
    pub(super) fn from_inner(inner: Arc<LogInner>) -> Self {
        Self { inner }
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
        let range = self.inner.writer().append(&self.inner, run_id, at, events)?;
        if !range.is_empty() {
            self.inner.wrote();
        }
        Ok(range)
    }

    /// [`Self::append`] for the last events of a run: when the disk is full, it uses the space that the store has set
    /// aside for them.
    pub fn append_reserved(&self, run_id: &Id, at: i64, events: &[Event]) -> Result<Range<Seq>, LogError> {
        match self.append(run_id, at, events) {
            Err(LogError::DiskFull { .. }) if self.inner.shared.reserve.release() => self.append(run_id, at, events),
            other => other,
        }
    }

    /// [`Self::append`] of events that must be on disk before anything else happens: asks for their sync right away and
    /// resolves when it is done. [`Self::append`] followed by [`Self::sync`] does the same and wakes the sync thread twice.
    pub async fn append_synced(&self, run_id: &Id, at: i64, events: &[Event]) -> Result<Range<Seq>, LogError> {
        let range = self.inner.writer().append(&self.inner, run_id, at, events)?;
        self.sync_since(self.inner.wrote_urgently()).await?;
        Ok(range)
    }

    /// Resolves when everything appended or accepted before the call is on disk; many callers share one sync. A disk that
    /// hangs makes it hang: the caller knows how long it can wait.
    pub async fn sync(&self) -> Result<(), LogError> {
        self.sync_since(self.inner.written.load(Ordering::SeqCst)).await
    }

    async fn sync_since(&self, ticket: u64) -> Result<(), LogError> {
        let mut synced = self.inner.synced.subscribe();
        let reached = |synced: &Synced| synced.ticket >= ticket || synced.failure.is_some();
        if !reached(&synced.borrow()) {
            self.inner.shared.syncer.request(&self.inner, Instant::now());
        }
        let state = synced.wait_for(reached).await.map_err(|_| self.inner.closed())?;
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

    /// [`Self::reader`] for one of perhaps thousands: from 250 of them on, each is told of new records only after a pause (4 µs
    /// for each of them, 25 ms at the most), so that records that come close together are one piece for all. Needs a runtime.
    #[must_use]
    pub fn reader_in_crowd(&self, after: Seq) -> Reader {
        Reader::in_crowd(Arc::clone(&self.inner), after)
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
        journal.entries().iter().filter(|entry| !started(&entry.run_id)).cloned().collect()
    }
}
