//! What sessions have done, kept beyond their pods: a log for each thread of each session, with the runner's own numbers.
//!
//! A record that is here is never changed, and none comes twice. What only the operator knows (a pod is gone with a run in it) is
//! written here too, so that every run has an end.

use std::{
    collections::HashMap,
    fs, io,
    ops::Range,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    agui::{Event, EventKind, Id},
    api::outcome::{self, OutcomeReason, OutcomeReport},
    eventlog::{LogError, Options, Seq, Store, ThreadLog, write_atomic},
    fold::Fold,
};

/// How far the numbers after a pod's end are beyond those that are known: its readers may have seen more than came here.
const MARGIN: Seq = 1 << 20;

/// The name of the CUSTOM event that says which numbers (`from` and `to`, inclusive) may have been events that are lost.
const GAP: &str = "ambient:gap";

/// The logs of all sessions, below one directory that one operator at a time has.
pub(super) struct History {
    store: Store,
    dir: PathBuf,
    sessions: Mutex<HashMap<String, Kept>>,
}

/// Whose logs they are: also for what was deleted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Kept {
    /// The session's namespace.
    pub(super) namespace: String,
    /// Its name.
    pub(super) name: String,
    /// Its threads, in the order in which they came.
    pub(super) threads: Vec<Id>,
    /// For how many seconds they are kept after the session; none: as long as the operator says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) retention: Option<u64>,
    /// Since when it is known that the session is gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) deleted: Option<Timestamp>,
}

impl History {
    /// Opens the directory, and makes it if need be.
    pub(super) fn open(dir: &Path) -> Result<Self, LogError> {
        let store = Store::open(dir, Options { journal_bytes: 0, reserve_bytes: 0, ..Options::default() })?;
        let sessions = dir.join("sessions");
        fs::create_dir_all(&sessions).map_err(|error| failed("create", &sessions, error))?;
        Ok(Self { store, dir: sessions, sessions: Mutex::default() })
    }

    /// Ends all logs: readers get what is left.
    pub(super) fn close(&self) {
        if let Err(error) = self.store.close() {
            tracing::warn!(%error, "the event store was not closed cleanly");
        }
    }

    /// Whose logs are kept under a session's UID.
    pub(super) fn session(&self, uid: &str) -> Result<Option<Kept>, LogError> {
        if let Some(kept) = self.lock().get(uid) {
            return Ok(Some(kept.clone()));
        }
        let Some(path) = self.file(uid) else { return Ok(None) };
        let kept: Option<Kept> = match fs::read(&path) {
            Ok(bytes) => {
                serde_json::from_slice(&bytes).map(Some).map_err(|error| failed("read", &path, error.into()))?
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(failed("read", &path, error)),
        };
        if let Some(kept) = &kept {
            self.lock().insert(uid.to_owned(), kept.clone());
        }
        Ok(kept)
    }

    /// The log of a thread, if there is one.
    pub(super) fn find(&self, uid: &str, thread: &Id) -> Result<Option<ThreadLog>, LogError> {
        self.store.find(&key(uid, thread))
    }

    /// The log of a thread, made when the thread is new.
    pub(super) fn log(&self, of: &Kept, uid: &str, thread: &Id) -> Result<ThreadLog, LogError> {
        let mut kept = self.session(uid)?.unwrap_or_else(|| Kept { threads: Vec::new(), ..of.clone() });
        if !kept.threads.contains(thread) {
            kept.threads.push(thread.clone());
            self.write(uid, kept)?;
        }
        self.store.thread(&key(uid, thread))
    }

    /// Changes what is known of a session of which something is kept.
    pub(super) fn note(&self, uid: &str, change: impl FnOnce(&mut Kept)) -> Result<(), LogError> {
        let Some(known) = self.session(uid)? else { return Ok(()) };
        let mut kept = known.clone();
        change(&mut kept);
        if kept == known { Ok(()) } else { self.write(uid, kept) }
    }

    fn write(&self, uid: &str, kept: Kept) -> Result<(), LogError> {
        let path = self.file(uid).ok_or_else(|| failed("name", &self.dir, io::ErrorKind::InvalidInput.into()))?;
        let json = serde_json::to_vec(&kept).map_err(|error| failed("write", &path, error.into()))?;
        write_atomic(&path, &json).map_err(|error| failed("write", &path, error))?;
        self.lock().insert(uid.to_owned(), kept);
        Ok(())
    }

    /// The UIDs of all sessions of which something is kept.
    pub(super) fn uids(&self) -> Result<Vec<String>, LogError> {
        let entries = fs::read_dir(&self.dir).map_err(|error| failed("list", &self.dir, error))?;
        let name = |entry: fs::DirEntry| entry.file_name().to_str()?.strip_suffix(".json").map(str::to_owned);
        Ok(entries.flatten().filter_map(name).collect())
    }

    /// Deletes everything that is kept of a session.
    pub(super) fn forget(&self, uid: &str) -> Result<(), LogError> {
        let Some((kept, path)) = self.session(uid)?.zip(self.file(uid)) else { return Ok(()) };
        for thread in &kept.threads {
            self.store.remove(&key(uid, thread))?;
        }
        // Last, so that what a crash leaves is found again.
        fs::remove_file(&path).map_err(|error| failed("delete", &path, error))?;
        self.lock().remove(uid);
        Ok(())
    }

    /// How far each thread of a session has got.
    pub(super) fn cursors(&self, uid: &str) -> Result<HashMap<Id, Seq>, LogError> {
        let mut cursors = HashMap::new();
        for thread in self.session(uid)?.unwrap_or_default().threads {
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

    /// Ends a run whose pod is gone, if it has begun here and has no end. Returns when that is on disk.
    pub(super) async fn end(
        &self,
        uid: &str,
        thread: &Id,
        run: &Id,
        (reason, message): (OutcomeReason, &str),
    ) -> Result<(), LogError> {
        let Some(log) = self.find(uid, thread)? else { return Ok(()) };
        let now = Timestamp::now().as_millisecond();
        let events = |lost| last_words(lost, reason, message).map(|kind| Event { timestamp: Some(now), ..kind.into() });
        if log.end_run(run, now, MARGIN, |lost| events(lost).into())? {
            log.sync().await?;
        }
        Ok(())
    }

    fn file(&self, uid: &str) -> Option<PathBuf> {
        let safe = !uid.is_empty() && uid.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '-');
        safe.then(|| self.dir.join(format!("{uid}.json")))
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Kept>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
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

fn key(uid: &str, thread: &Id) -> Id {
    Id::from(format!("{uid}/{thread}"))
}

fn failed(what: &'static str, path: &Path, error: io::Error) -> LogError {
    LogError::io(what, path, error)
}

#[cfg(test)]
#[path = "history_tests.rs"]
mod tests;
