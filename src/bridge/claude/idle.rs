//! Agents without work: only so many are kept, on all threads together, and the one that has been idle longest goes first.
//!
//! Whoever has a thread's slot works with its agent, or is about to: such a thread is passed over, so that no prompt meets an
//! agent that is on its way out.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::{sync::OwnedMutexGuard, time::Instant};

use super::thread::{Slot, Thread};

/// The threads of a bridge, for looking at what they have.
#[derive(Default)]
pub(crate) struct Threads(Mutex<Vec<Weak<Thread>>>);

impl Threads {
    /// Notes a thread.
    pub(crate) fn add(&self, thread: &Arc<Thread>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::downgrade(thread));
    }

    /// Ends agents without work until at most so many are left.
    pub(crate) fn keep_idle(&self, most: usize) {
        let threads = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let idle = threads.iter().filter_map(|thread| thread.upgrade()?.idle());
        for slot in surplus(idle.collect(), most) {
            // The slot is held until the process is gone: two on one conversation would not see each other.
            tokio::spawn(end(slot));
        }
    }
}

async fn end(mut slot: OwnedMutexGuard<Slot>) {
    if let Some(agent) = slot.take_agent() {
        agent.close().await;
    }
}

/// Those that have been idle longest, without the `most` that are left.
fn surplus<T>(mut idle: Vec<(Instant, T)>, most: usize) -> impl Iterator<Item = T> {
    idle.sort_by_key(|(since, _)| *since);
    let goes = idle.len().saturating_sub(most);
    idle.into_iter().take(goes).map(|(_, slot)| slot)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn those_that_have_been_idle_longest_go() {
        let now = Instant::now();
        let idle = || [3, 1, 2].map(|second| (now + Duration::from_secs(second), second)).to_vec();
        assert!(surplus(idle(), 3).next().is_none());
        assert_eq!(surplus(idle(), 1).collect::<Vec<_>>(), [1, 2]);
        assert_eq!(surplus(idle(), 0).collect::<Vec<_>>(), [1, 2, 3]);
    }
}
