//! Folded threads are kept, so that a thousand clients who join a long thread do not read it a thousand times.

use std::sync::{Arc, Mutex, PoisonError};

use super::{Joined, folded::Folded};
use crate::{
    agui::Id,
    eventlog::{LogError, ThreadLog},
};

/// The most bytes of preludes whose threads are kept. A folded thread takes a few times its prelude.
const MAX_BYTES: usize = 8 << 20;

/// The most threads that are kept.
const MAX_THREADS: usize = 64;

/// The threads that clients joined last, folded.
#[derive(Default)]
pub(in crate::runner::http) struct Joins(Mutex<Kept>);

/// The last used one is the last.
#[derive(Default)]
pub(super) struct Kept(Vec<Entry>);

struct Entry {
    thread: Id,
    /// Of its prelude, in bytes; 0 until it is known.
    size: usize,
    /// Whoever joins waits here for those before him, who do his work: what they fold he need not.
    folded: Arc<tokio::sync::Mutex<Folded>>,
}

impl Joins {
    /// Joins a thread where its log ends now.
    pub(in crate::runner::http) async fn join(&self, log: &ThreadLog) -> Result<Joined, LogError> {
        let folded = self.with(|kept| kept.take(log.id()));
        let joined = folded.lock().await.join(log).await?;
        self.with(|kept| kept.weigh(log.id(), joined.prelude.len()));
        Ok(joined)
    }

    fn with<T>(&self, act: impl FnOnce(&mut Kept) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Kept {
    /// The thread, as far as it is folded.
    pub(super) fn take(&mut self, thread: &Id) -> Arc<tokio::sync::Mutex<Folded>> {
        let known = self.0.iter().position(|entry| entry.thread == *thread);
        let new = || Entry { thread: thread.clone(), size: 0, folded: Arc::default() };
        let entry = known.map_or_else(new, |at| self.0.remove(at));
        let folded = Arc::clone(&entry.folded);
        self.0.push(entry);
        folded
    }

    /// Notes how large a thread is, and forgets those that were not used for the longest time until the rest is small
    /// enough. One that is too large on its own is not kept either.
    pub(super) fn weigh(&mut self, thread: &Id, size: usize) {
        if let Some(entry) = self.0.iter_mut().find(|entry| entry.thread == *thread) {
            entry.size = size;
        }
        let mut total: usize = self.0.iter().map(|entry| entry.size).sum();
        let mut left = self.0.len();
        self.0.retain(|entry| {
            let fits = total <= MAX_BYTES && left <= MAX_THREADS;
            if !fits {
                total -= entry.size;
                left -= 1;
            }
            fits
        });
    }

    #[cfg(test)]
    pub(super) fn threads(&self) -> Vec<&str> {
        self.0.iter().map(|entry| &*entry.thread).collect()
    }
}
