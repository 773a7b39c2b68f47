//! What sessions have done, kept beyond their pods: a log for each thread of each session, with the runner's own numbers.
//!
//! A record that is here is never changed, and none comes twice. What only the operator knows (a pod is gone with a run in it) is
//! written here too, so that every run has an end.

use std::{collections::HashMap, ops::Range, path::Path, sync::Arc};

use jiff::Timestamp;
use serde_json::json;

use super::{
    archive::{Archive, Bucket, RestoreError},
    keeping::{Keeping, Later},
    kept::{Kept, KeptRun, Sessions},
};
use crate::{
    agui::{Event, EventKind, Id},
    api::outcome::{self, OutcomeReason, OutcomeReport},
    eventlog::{LogError, Options, Seq, Store, ThreadLog},
    fold::Fold,
};

/// How far the numbers after a pod's end are beyond those that are known: its readers may have seen more than came here.
const MARGIN: Seq = 1 << 20;

/// The name of the CUSTOM event that says which numbers (`from` and `to`, inclusive) may have been events that are lost.
const GAP: &str = "ambient:gap";

/// The logs of all sessions, below one directory that one operator at a time has. With an archive the directory is a buffer in
/// front of it.
pub(super) struct History {
    store: Arc<Store>,
    sessions: Arc<Sessions>,
    archive: Option<Archive>,
}

impl History {
    /// Opens the directory, and makes it if need be.
    pub(super) fn open(dir: &Path, bucket: Option<Bucket>) -> Result<Self, LogError> {
        let store = Store::open(dir, Options { journal_bytes: 0, reserve_bytes: 0, ..Options::default() })?;
        let (store, sessions) = (Arc::new(store), Arc::new(Sessions::open(dir.join("sessions"))?));
        let archive = bucket.map(|bucket| Archive::new(bucket, Arc::clone(&store), Arc::clone(&sessions)));
        Ok(Self { store, sessions, archive })
    }

    /// Brings the directory to what the archive has, if there is one. Before that nothing is written.
    pub(super) async fn restore(&self) -> Result<(), RestoreError> {
        match &self.archive {
            Some(archive) => archive.restore().await,
            None => Ok(()),
        }
    }

    /// Until another operator has written to the archive; the name of the object.
    pub(super) async fn taken(&self) -> String {
        match &self.archive {
            Some(archive) => archive.taken().await,
            None => std::future::pending().await,
        }
    }

    /// Until nothing waits for the archive any more.
    pub(super) async fn finish(&self) {
        if let Some(archive) = &self.archive {
            archive.finish().await;
        }
    }

    /// Ends all logs: readers get what is left.
    pub(super) fn close(&self) {
        if let Err(error) = self.store.close() {
            tracing::warn!(%error, "the event store was not closed cleanly");
        }
    }

    /// Whose logs are kept under a session's UID.
    pub(super) fn session(&self, uid: &str) -> Option<Kept> {
        self.sessions.get(uid)
    }

    /// The log of a thread, if there is one.
    pub(super) fn find(&self, uid: &str, thread: &Id) -> Result<Option<ThreadLog>, LogError> {
        let key = key(uid, thread);
        self.check(&key)?;
        self.store.find(&key)
    }

    fn check(&self, key: &Id) -> Result<(), LogError> {
        self.archive.as_ref().map_or(Ok(()), |archive| archive.check(key))
    }

    /// Changes what is known of a session, also in the archive.
    fn change(&self, uid: &str, change: impl FnOnce(&mut Kept)) -> Result<(), LogError> {
        self.sessions.change(uid, change)?;
        if let Some(archive) = &self.archive {
            archive.note(uid);
        }
        Ok(())
    }

    /// The log of a thread for whoever writes it or waits until it is safe; made when the thread is new.
    pub(super) fn keeping(&self, of: &Kept, uid: &str, thread: &Id) -> Result<Keeping, LogError> {
        let log = self.log(of, uid, thread)?;
        Ok(self.kept_by(uid, thread, log))
    }

    fn kept_by(&self, uid: &str, thread: &Id, log: ThreadLog) -> Keeping {
        let uploaded = self.archive.as_ref().map(|archive| archive.uploads(uid, thread, &log));
        Keeping { log, uploaded }
    }

    /// The log of a thread, made when the thread is new.
    pub(super) fn log(&self, of: &Kept, uid: &str, thread: &Id) -> Result<ThreadLog, LogError> {
        let key = key(uid, thread);
        self.check(&key)?;
        if !self.sessions.is(uid, |kept| kept.threads.contains(thread)) {
            self.change(uid, |kept| {
                let (threads, runs) = (std::mem::take(&mut kept.threads), std::mem::take(&mut kept.runs));
                *kept = Kept { threads, runs, ..of.clone() };
                for run in &of.runs {
                    kept.note(run);
                }
                if !kept.threads.contains(thread) {
                    kept.threads.push(thread.clone());
                }
            })?;
        }
        self.store.thread(&key)
    }

    /// Notes where a Run is, unless that is known.
    pub(super) fn note(&self, uid: &str, run: &KeptRun) -> Result<(), LogError> {
        if self.sessions.is(uid, |kept| !kept.runs.contains(run)) {
            self.change(uid, |kept| kept.note(run))?;
        }
        Ok(())
    }

    /// Where a Run of a namespace is, with its session's UID: also of one that was deleted.
    pub(super) fn run(&self, namespace: &str, uid: &str) -> Option<(String, KeptRun)> {
        self.sessions.of_run(namespace, uid)
    }

    /// Notes for how long a session's events are kept, where there are any.
    pub(super) fn keep_for(&self, uid: &str, retention: Option<u64>) -> Result<(), LogError> {
        if self.sessions.is(uid, |kept| kept.retention != retention) {
            self.change(uid, |kept| kept.retention = retention)?;
        }
        Ok(())
    }

    /// Notes that a session is gone.
    pub(super) fn is_gone(&self, uid: &str, since: Timestamp) -> Result<(), LogError> {
        self.change(uid, |kept| kept.deleted = Some(since))
    }

    /// The UIDs of all sessions of which something is kept.
    pub(super) fn uids(&self) -> Vec<String> {
        self.sessions.uids()
    }

    /// Deletes everything that is kept of a session. Blocks for the deletion of its files; the archive follows.
    pub(super) fn forget(&self, uid: &str) -> Result<(), LogError> {
        let threads = self.session(uid).unwrap_or_default().threads;
        for thread in &threads {
            self.store.remove(&key(uid, thread))?;
        }
        // Last, so that what a crash leaves is found again.
        self.sessions.remove(uid)?;
        if let Some(archive) = &self.archive {
            archive.forget(uid, &threads);
        }
        Ok(())
    }

    /// How far each thread of a session has got.
    pub(super) fn cursors(&self, uid: &str) -> Result<HashMap<Id, Seq>, LogError> {
        let mut cursors = HashMap::new();
        for thread in self.session(uid).unwrap_or_default().threads {
            if let Some(log) = self.find(uid, &thread)? {
                cursors.insert(thread, log.last_seq());
            }
        }
        Ok(cursors)
    }

    /// The number that a new pod of a session begins with; none while nothing is here.
    pub(super) fn first_seq(&self, uid: &str) -> Result<Option<Seq>, LogError> {
        Ok(self.cursors(uid)?.into_values().max().filter(|last| *last > 0).map(|last| last + MARGIN))
    }

    /// A run as far as it is here; none of which there is nothing.
    pub(super) fn fold(&self, uid: &str, thread: &Id, run: &Id) -> Result<Option<Fold>, LogError> {
        let Some(log) = self.find(uid, thread)? else { return Ok(None) };
        let Some(span) = log.run(run) else { return Ok(None) };
        let mut fold = Fold::new();
        let mut reader = log.reader(span.first - 1);
        while let Some(chunk) = reader.try_next()? {
            for record in chunk.records().filter(|record| record.run_id() == run) {
                if let Ok(event) = record.event() {
                    fold.apply(record.seq(), record.at(), &event);
                }
            }
            if chunk.last >= span.last {
                break;
            }
        }
        Ok(Some(fold))
    }

    /// What to wait for until the end of a run cannot be lost any more; none: it cannot, or it has no end here. Nothing is asked
    /// of the disk: whoever has written the end has waited for that.
    pub(super) fn unsafe_end(&self, uid: &str, thread: &Id, run: &Id) -> Result<Option<Later>, LogError> {
        if self.archive.is_none() {
            return Ok(None);
        }
        let Some(log) = self.find(uid, thread)? else { return Ok(None) };
        let Some(span) = log.run(run).filter(|span| span.ended) else { return Ok(None) };
        Ok(self.kept_by(uid, thread, log).later(span.last))
    }

    /// Ends a run whose pod is gone, if it has begun here and has no end. Returns when that is on disk.
    pub(super) async fn end(
        &self,
        uid: &str,
        thread: &Id,
        run: &Id,
        (reason, message): (OutcomeReason, &str),
    ) -> Result<(), LogError> {
        let Some(log) = self.find(uid, thread)? else { return Ok(()) };
        let Keeping { log, uploaded: _uploaded } = self.kept_by(uid, thread, log);
        let now = Timestamp::now().as_millisecond();
        let events = |lost| last_words(lost, reason, message).map(|kind| Event { timestamp: Some(now), ..kind.into() });
        if log.end_run(run, now, MARGIN, |lost| events(lost).into())? {
            log.sync().await?;
        }
        Ok(())
    }
}

fn last_words(lost: Range<Seq>, reason: OutcomeReason, message: &str) -> [EventKind; 3] {
    let report = OutcomeReport { reason: Some(reason), message: Some(message.to_owned()), ..OutcomeReport::default() };
    let custom = |name: &str, value| EventKind::Custom { name: name.to_owned(), value };
    [
        custom(GAP, json!({ "from": lost.start, "to": lost.end - 1 })),
        custom(outcome::EVENT_NAME, serde_json::to_value(report).unwrap_or_default()),
        EventKind::RunError { message: message.to_owned(), code: Some(reason.to_string()), usage: Vec::new() },
    ]
}

/// What the log of a session's thread is called in the store.
pub(super) fn key(uid: &str, thread: &Id) -> Id {
    Id::from(format!("{uid}/{thread}"))
}

#[cfg(test)]
#[path = "history_tests.rs"]
mod tests;
