//! A data directory with the logs of all threads.

use std::{
    collections::HashMap,
    fmt, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};

use tokio::sync::Semaphore;

use crate::agui::Id;

use super::{
    Locked, LogError, Options, ThreadLog, files::Files, inner::LogInner, mark::Mark, names, reserve::Reserve,
    syncer::Syncer,
};

/// How many pieces of old segments are read at the same time.
const READS: usize = 4;

/// A data directory, owned by this process as long as the store or one of its logs lives, or until [`Self::close`].
#[derive(Debug)]
pub struct Store {
    shared: Arc<Shared>,
    open: Mutex<HashMap<Id, Weak<LogInner>>>,
}

/// What all logs of a store share.
pub(super) struct Shared {
    dir: PathBuf,
    pub(super) options: Options,
    pub(super) syncer: Syncer,
    pub(super) reserve: Reserve,
    pub(super) reads: Semaphore,
    /// `None` once the store is closed.
    lock: Mutex<Option<Box<dyn Send + Sync>>>,
}

impl Store {
    /// Opens a data directory, creating it if need be, and locks out other processes. Starts the store's sync thread.
    pub fn open(dir: impl Into<PathBuf>, options: Options) -> Result<Self, LogError> {
        let dir = dir.into();
        let storage = Arc::clone(&options.storage);
        let threads = dir.join("threads");
        storage.create_dir(&threads).map_err(|e| LogError::io("create", &threads, e))?;
        let lock = take_lock(&options, &dir)?;
        let syncer = Syncer::start(options.sync_delay).map_err(|e| LogError::io("start a sync thread for", &dir, e))?;
        let reserve = Reserve::new(storage, dir.join("reserve"), options.reserve_bytes);
        let (reads, lock) = (Semaphore::new(READS), Mutex::new(Some(lock)));
        let shared = Arc::new(Shared { dir, options, syncer, reserve, reads, lock });
        Ok(Self { shared, open: Mutex::default() })
    }

    /// The data directory.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.shared.dir
    }

    /// The ids of all threads that have a log, in no particular order.
    pub fn threads(&self) -> Result<Vec<Id>, LogError> {
        let parent = self.files(self.shared.dir.join("threads"));
        let mut ids = Vec::new();
        for name in parent.list()? {
            // A directory without a mark is one whose creation was cut short.
            let mark: Option<Mark> = self.files(parent.dir.join(name)).read_json(names::MARK)?;
            ids.extend(mark.map(|mark| mark.thread_id));
        }
        Ok(ids)
    }

    /// The log of a thread, opened (and put in order) or created. While it is open, the same log is returned.
    pub fn thread(&self, id: &Id) -> Result<ThreadLog, LogError> {
        let mut open = self.open_logs();
        if let Some(log) = open.get(id).and_then(Weak::upgrade) {
            return Ok(ThreadLog::from_inner(log));
        }
        let files = self.thread_files(id);
        if self.shared.is_closed() {
            return Err(LogError::Closed { dir: files.dir });
        }
        let dir = &files.dir;
        files.storage.create_dir(dir).map_err(|e| LogError::io("create", dir, e))?;
        let inner = Arc::new(LogInner::open(Arc::clone(&self.shared), id, files)?);
        let log = ThreadLog::from_inner(Arc::clone(&inner));
        report(&log);
        if self.shared.options.first_seq > 1 {
            log.set_first_seq(self.shared.options.first_seq)?;
        }
        open.retain(|_, log| log.strong_count() > 0);
        open.insert(id.clone(), Arc::downgrade(&inner));
        Ok(log)
    }

    /// The log of a thread if it has one; nothing is created.
    pub fn find(&self, id: &Id) -> Result<Option<ThreadLog>, LogError> {
        let exists = self.open_logs().get(id).is_some_and(|log| log.strong_count() > 0)
            || self.thread_files(id).read(names::MARK)?.is_some();
        exists.then(|| self.thread(id)).transpose()
    }

    /// Deletes a thread with everything that it has; nothing happens if there is none. Whoever reads it gets what is left and
    /// then [`LogError::Closed`]. Blocks for a few syncs.
    pub fn remove(&self, id: &Id) -> Result<(), LogError> {
        let mut open = self.open_logs();
        let files = self.thread_files(id);
        if self.shared.is_closed() {
            return Err(LogError::Closed { dir: files.dir });
        }
        if let Some(log) = open.remove(id).and_then(|log| log.upgrade()) {
            log.close()?;
        }
        // Without its mark a directory is none, so a crash in between leaves nothing that could be opened.
        files.remove_if_there(names::MARK)?;
        match files.storage.remove_dir(&files.dir) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(LogError::io("delete", &files.dir, error)),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// Ends the store: every log takes nothing more, everything is synced and marked as complete, and the directory is
    /// free for another process. Readers get what is left and then [`LogError::Closed`]. Blocks for a few syncs.
    pub fn close(&self) -> Result<(), LogError> {
        // Taken first, so that no log is opened any more; given back last.
        let lock = self.shared.lock().take();
        let open = std::mem::take(&mut *self.open_logs());
        let logs = open.values().filter_map(Weak::upgrade);
        let results: Vec<_> = logs.map(|log| log.close()).collect();
        drop(lock);
        results.into_iter().collect()
    }

    fn files(&self, dir: PathBuf) -> Files {
        Files { storage: Arc::clone(&self.shared.options.storage), dir }
    }

    fn thread_files(&self, id: &Id) -> Files {
        self.files(self.shared.dir.join("threads").join(names::thread_dir(id)))
    }

    fn open_logs(&self) -> MutexGuard<'_, HashMap<Id, Weak<LogInner>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Option<Box<dyn Send + Sync>>> {
        self.lock.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_closed(&self) -> bool {
        self.lock().is_none()
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("dir", &self.dir).finish_non_exhaustive()
    }
}

fn take_lock(options: &Options, dir: &Path) -> Result<Box<dyn Send + Sync>, LogError> {
    let path = dir.join("lock");
    match options.storage.lock(&path).map_err(|e| LogError::io("lock", &path, e))? {
        Locked::Taken(guard) => Ok(guard),
        Locked::Busy(owner) => {
            let known = !owner.is_empty() && owner.bytes().all(|byte| byte.is_ascii_digit());
            let owner = if known { owner } else { "unknown".to_owned() };
            Err(LogError::Locked { dir: dir.to_owned(), owner })
        }
    }
}

fn report(log: &ThreadLog) {
    let recovery = log.recovery();
    for cut in &recovery.cuts {
        let (file, saved) = (cut.file.display(), &cut.saved);
        tracing::warn!(%file, cut.offset, cut.bytes, ?saved, "cut off unsynced bytes");
    }
    if let Some(skipped) = &recovery.skipped {
        let (thread, from, to) = (log.id(), skipped.start, skipped.end);
        tracing::warn!(%thread, from, to, "the machine went down: numbers left out");
    }
}
