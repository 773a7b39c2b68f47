//! Whose logs there are: a file for each session of which something is kept, all of them in memory.

use std::{
    collections::HashMap,
    fs, io,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    agui::Id,
    eventlog::{LogError, write_atomic},
};

/// Whose logs they are: also for what was deleted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Kept {
    /// The session's namespace.
    pub(super) namespace: String,
    /// Its name.
    pub(super) name: String,
    /// Its threads, in the order in which they came.
    pub(super) threads: Vec<Id>,
    /// The Runs that began last, so that one that was deleted is found by its UID.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) runs: Vec<KeptRun>,
    /// For how many seconds they are kept after the session; none: as long as the operator says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) retention: Option<u64>,
    /// Since when it is known that the session is gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) deleted: Option<Timestamp>,
}

/// Where the events of a Run are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct KeptRun {
    /// The Run's UID.
    pub(super) uid: String,
    /// Its thread.
    pub(super) thread: Id,
    /// Its AG-UI id.
    pub(super) id: Id,
}

/// How many Runs of a session are noted: its file is written anew for each.
const MAX_RUNS: usize = 500;

impl Kept {
    /// Takes what another one knows of the same session, who was the last to be asked.
    pub(super) fn join(&mut self, other: &Self) {
        let mut threads = other.threads.clone();
        threads.extend(self.threads.iter().filter(|thread| !other.threads.contains(thread)).cloned());
        let (retention, deleted) = (self.retention.or(other.retention), self.deleted.or(other.deleted));
        let runs = std::mem::take(&mut self.runs);
        *self = Self { threads, retention, deleted, ..other.clone() };
        for run in &runs {
            self.note(run);
        }
    }

    /// Notes a Run; the oldest ones give way.
    pub(super) fn note(&mut self, run: &KeptRun) {
        if !self.runs.contains(run) {
            self.runs.push(run.clone());
            let many = self.runs.len().saturating_sub(MAX_RUNS);
            self.runs.drain(..many);
        }
    }
}

/// All of them, by the session's UID.
pub(super) struct Sessions {
    dir: PathBuf,
    all: Mutex<HashMap<String, Kept>>,
}

impl Sessions {
    /// Reads the directory, and makes it if need be. A file that cannot be read is that session's trouble alone.
    pub(super) fn open(dir: PathBuf) -> Result<Self, LogError> {
        fs::create_dir_all(&dir).map_err(|error| LogError::io("create", &dir, error))?;
        let entries = fs::read_dir(&dir).map_err(|error| LogError::io("list", &dir, error))?;
        let all = entries.flatten().filter_map(|entry| read(&entry.path())).collect();
        Ok(Self { dir, all: Mutex::new(all) })
    }

    /// What is kept under a UID.
    pub(super) fn get(&self, uid: &str) -> Option<Kept> {
        self.lock().get(uid).cloned()
    }

    /// The session of a Run that is noted, with its UID.
    pub(super) fn of_run(&self, namespace: &str, run: &str) -> Option<(String, KeptRun)> {
        let all = self.lock();
        let here = all.iter().filter(|(_, kept)| kept.namespace == namespace);
        let mut found = here.filter_map(|(uid, kept)| Some((uid, kept.runs.iter().find(|known| known.uid == run)?)));
        found.next().map(|(uid, run)| (uid.clone(), run.clone()))
    }

    /// The UIDs of all.
    pub(super) fn uids(&self) -> Vec<String> {
        self.lock().keys().cloned().collect()
    }

    /// Whether something holds for a session; false where nothing is kept of it.
    pub(super) fn is(&self, uid: &str, wanted: impl FnOnce(&Kept) -> bool) -> bool {
        self.lock().get(uid).is_some_and(wanted)
    }

    /// Changes what is known of a session, or writes it down for the first time.
    pub(super) fn change(&self, uid: &str, change: impl FnOnce(&mut Kept)) -> Result<(), LogError> {
        // One after another: none undoes what another one has changed.
        let mut all = self.lock();
        let mut kept = all.get(uid).cloned().unwrap_or_default();
        change(&mut kept);
        let path = self.file(uid)?;
        let json = serde_json::to_vec(&kept).map_err(|error| LogError::io("write", &path, error.into()))?;
        write_atomic(&path, &json).map_err(|error| LogError::io("write", &path, error))?;
        all.insert(uid.to_owned(), kept);
        Ok(())
    }

    /// Forgets a session.
    pub(super) fn remove(&self, uid: &str) -> Result<(), LogError> {
        let mut all = self.lock();
        if all.contains_key(uid) {
            let path = self.file(uid)?;
            fs::remove_file(&path).map_err(|error| LogError::io("delete", &path, error))?;
            all.remove(uid);
        }
        Ok(())
    }

    fn file(&self, uid: &str) -> Result<PathBuf, LogError> {
        let safe = !uid.is_empty() && uid.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '-');
        let path = self.dir.join(format!("{uid}.json"));
        if safe { Ok(path) } else { Err(LogError::io("name", &self.dir, io::ErrorKind::InvalidInput.into())) }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Kept>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn read(path: &Path) -> Option<(String, Kept)> {
    let uid = path.file_name()?.to_str()?.strip_suffix(".json")?.to_owned();
    match fs::read(path).and_then(|bytes| Ok(serde_json::from_slice(&bytes)?)) {
        Ok(kept) => Some((uid, kept)),
        Err(error) => {
            tracing::warn!(path = %path.display(), %error, "nobody knows whose events are kept there");
            None
        }
    }
}
