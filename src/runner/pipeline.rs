//! The way of an event into the log: stamp, redact, verify, append.

use std::{ops::Range, sync::Arc};

use crate::{
    agui::{Event, EventKind, Id, Verifier},
    eventlog::{LogError, Seq, ThreadLog},
    security::Redactor,
};

use super::redact::EventRedactor;

/// The pipeline of one run. Events go in one by one and into the log in batches.
pub(crate) struct Pipeline {
    log: ThreadLog,
    run_id: Id,
    redactor: EventRedactor,
    verifier: Verifier,
    redacted: Vec<Event>,
    batch: Vec<Event>,
}

impl Pipeline {
    pub(crate) fn new(log: ThreadLog, thread_id: &Id, run_id: Id, redactor: Arc<Redactor>) -> Self {
        Self {
            log,
            run_id,
            redactor: EventRedactor::new(redactor),
            verifier: Verifier::new(thread_id.clone()),
            redacted: Vec::new(),
            batch: Vec::new(),
        }
    }

    /// Takes one event; it reaches the log with the next [`Pipeline::flush`].
    pub(crate) fn push(&mut self, mut event: Event, now_ms: i64) {
        event.timestamp.get_or_insert(now_ms);
        self.redactor.apply(event, &mut self.redacted);
        for event in self.redacted.drain(..) {
            // What a bridge gets wrong must not make the whole stream invalid for every client.
            match self.verifier.check(&event) {
                Ok(()) => self.batch.push(event),
                Err(violation) => {
                    tracing::error!(run = %self.run_id, %violation, "an invalid event was left out");
                }
            }
        }
    }

    /// Takes one kind of event.
    pub(crate) fn emit(&mut self, kind: EventKind, now_ms: i64) {
        self.push(kind.into(), now_ms);
    }

    /// Closes whatever is open.
    pub(crate) fn close_open_items(&mut self, now_ms: i64) {
        for closer in self.verifier.closers() {
            self.push(closer, now_ms);
        }
    }

    /// How many events wait for the next [`Pipeline::flush`].
    pub(crate) fn filled(&self) -> usize {
        self.batch.len()
    }

    /// Appends what was taken since the last time, in one write.
    pub(crate) fn flush(&mut self, now_ms: i64) -> Result<Range<Seq>, LogError> {
        let result = self.log.append(&self.run_id, now_ms, &self.batch);
        self.batch.clear();
        result
    }

    /// [`Pipeline::flush`], and resolves when it is on disk.
    pub(crate) async fn flush_synced(&mut self, now_ms: i64) -> Result<(), LogError> {
        let result = self.log.append_synced(&self.run_id, now_ms, &self.batch).await;
        self.batch.clear();
        result.map(drop)
    }

    /// Appends the run's last events with those that wait, of which there are `waiting`. The last ones are appended also when
    /// the disk is full: the log keeps a reserve for them.
    pub(crate) fn flush_last(&mut self, waiting: usize, now_ms: i64) -> Result<Range<Seq>, LogError> {
        let mut result = self.log.append(&self.run_id, now_ms, &self.batch);
        if matches!(result, Err(LogError::DiskFull { .. })) {
            let (before, last) = self.batch.split_at(waiting);
            if let Err(error) = self.log.append(&self.run_id, now_ms, before) {
                tracing::error!(run = %self.run_id, %error, "events before the run's end could not be written");
            }
            result = self.log.append_reserved(&self.run_id, now_ms, last);
        }
        self.batch.clear();
        result
    }
}
