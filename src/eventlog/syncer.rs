//! The store's sync thread: group commit.
//!
//! Whoever appends asks for a sync within [`super::Options::sync_delay`], whoever waits for durability asks for one now.
//! While one sync runs, requests collect, and the next sync serves them all. With nothing to do the thread sleeps. It looks
//! once more a while after its last sync, so that a log that goes on need not wake it just to plan the next one.

use std::{
    io,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, atomic::Ordering},
    thread,
    time::{Duration, Instant},
};

use super::{LogError, inner::LogInner, writer::SyncWork};

/// Hands logs to the sync thread, which ends when this is dropped and nothing is left to sync.
#[derive(Debug)]
pub(super) struct Syncer {
    queue: Arc<Queue>,
}

#[derive(Debug)]
struct Queue {
    /// So long after a sync the thread looks again by itself: what is written meanwhile is not due before.
    delay: Duration,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    waiting: Vec<(Arc<LogInner>, Instant)>,
    /// When the thread looks at the latest; `None`: when it is woken.
    looks: Option<Instant>,
    ending: bool,
}

impl Syncer {
    /// `delay`: how long a write that nobody waits for may wait.
    pub(super) fn start(delay: Duration) -> io::Result<Self> {
        let queue = Arc::new(Queue { delay, state: Mutex::default(), changed: Condvar::new() });
        let served = Arc::clone(&queue);
        thread::Builder::new().name("eventlog-sync".to_owned()).spawn(move || serve(&served))?;
        Ok(Self { queue })
    }

    /// Syncs the log at `due` at the latest.
    pub(super) fn request(&self, log: &Arc<LogInner>, due: Instant) {
        let mut state = self.queue.lock();
        match state.waiting.iter_mut().find(|(waiting, _)| Arc::ptr_eq(waiting, log)) {
            Some((_, planned)) => *planned = due.min(*planned),
            None => state.waiting.push((Arc::clone(log), due)),
        }
        let too_late = state.looks.is_none_or(|looks| looks > due);
        drop(state);
        if too_late {
            self.queue.changed.notify_one();
        }
    }
}

impl Drop for Syncer {
    fn drop(&mut self) {
        self.queue.lock().ending = true;
        self.queue.changed.notify_one();
    }
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until logs are due, and takes them; `None` at the end.
    fn take_due(&self) -> Option<Vec<Arc<LogInner>>> {
        let mut state = self.lock();
        let again = Instant::now() + self.delay;
        loop {
            let now = Instant::now();
            let due = state.take_due(now);
            if !due.is_empty() {
                // Whatever is asked for during the sync is found after it.
                state.looks = Some(now);
                return Some(due);
            }
            let next = state.waiting.iter().map(|(_, due)| *due).min();
            state.looks = next.or((now < again && !state.ending).then_some(again));
            state = match state.looks {
                Some(looks) => {
                    let timed = self.changed.wait_timeout(state, looks - now);
                    timed.unwrap_or_else(PoisonError::into_inner).0
                }
                None if state.ending => return None,
                None => self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
            };
        }
    }
}

impl State {
    fn take_due(&mut self, now: Instant) -> Vec<Arc<LogInner>> {
        self.waiting.extract_if(.., |(_, due)| *due <= now).map(|(log, _)| log).collect()
    }
}

fn serve(queue: &Queue) {
    while let Some(logs) = queue.take_due() {
        for log in logs {
            log.sync_now();
        }
    }
}

/// How far a log is synced.
#[derive(Debug, Clone, Default)]
pub(super) struct Synced {
    /// All writes up to this ticket.
    pub(super) ticket: u64,
    /// All records up to this number.
    pub(super) last: super::Seq,
    /// Why there will be no further sync.
    pub(super) failure: Option<LogError>,
}

impl LogInner {
    /// Syncs what was written before the call, and tells everybody who waits for it.
    pub(super) fn sync_now(&self) {
        let _turn = self.sync_turn.lock().unwrap_or_else(PoisonError::into_inner);
        if self.synced.borrow().failure.is_some() {
            return;
        }
        // The flag first: a write after this line asks for a sync of its own. The ticket before the work: every write
        // with a ticket up to it has left its work behind.
        self.sync_planned.store(false, Ordering::SeqCst);
        let ticket = self.written.load(Ordering::SeqCst);
        let (work, last) = {
            let mut writer = self.writer();
            (writer.take_work(), writer.next - 1)
        };
        match self.sync_files(&work) {
            Ok(()) => {
                self.synced.send_replace(Synced { ticket, last, failure: None });
                self.after_sync(&work, last);
            }
            Err(error) => self.fail_sync(&error),
        }
    }

    fn sync_files(&self, work: &SyncWork) -> io::Result<()> {
        let (journal, new_journal) = self.journal().take_work();
        for file in work.files.iter().chain(&journal) {
            file.sync()?;
        }
        if work.new_files || new_journal {
            self.files.storage.sync_dir(&self.files.dir)?;
        }
        Ok(())
    }

    /// Work that can wait: nobody's data depends on it.
    fn after_sync(&self, work: &SyncWork, last: super::Seq) {
        let indexed = work.complete.iter().try_for_each(|first| self.write_index(*first, true));
        let prepared = indexed.and_then(|()| self.mark.extend(last));
        if let Err(error) = prepared {
            tracing::warn!(dir = %self.files.dir.display(), %error, "the log's side files are behind");
        }
        self.shared.reserve.restore();
    }

    /// After a failed sync nobody knows what is on disk, and asking again would claim success: nothing is taken any more.
    fn fail_sync(&self, error: &io::Error) {
        let failure = self.writer().stop(self, format!("sync failed: {error}"));
        self.mark.distrust();
        self.synced.send_modify(|synced| synced.failure = Some(failure));
    }
}
