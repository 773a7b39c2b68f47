//! Answers that are kept for seconds, each asked for once at a time.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use tokio::sync::OnceCell;

/// Answers by question.
pub(super) struct Kept<K, V> {
    entries: Mutex<HashMap<K, Entry<V>>>,
    time: Duration,
    most: usize,
}

struct Entry<V> {
    since: Instant,
    value: Arc<OnceCell<V>>,
}

impl<K: Hash + Eq, V: Clone> Kept<K, V> {
    /// Keeps each answer for `time`, and at most so many.
    pub(super) fn new(time: Duration, most: usize) -> Self {
        Self { entries: Mutex::default(), time, most }
    }

    /// The answer. Whoever asks the same at the same time waits for the one who asked first; a failure is not kept.
    pub(super) async fn get<E>(&self, key: K, ask: impl Future<Output = Result<V, E>>) -> Result<V, E> {
        let cell = self.cell(key);
        cell.get_or_try_init(|| ask).await.cloned()
    }

    /// Forgets every answer.
    #[cfg(test)]
    pub(super) fn clear(&self) {
        self.entries.lock().unwrap().clear();
    }

    fn cell(&self, key: K) -> Arc<OnceCell<V>> {
        let now = Instant::now();
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        if entries.len() >= self.most {
            entries.retain(|_, entry| now - entry.since < self.time);
            if entries.len() >= self.most {
                // Many tokens at once: what they cost is a question each, not memory.
                entries.clear();
            }
        }
        let new = || Entry { since: now, value: Arc::default() };
        let entry = entries.entry(key).or_insert_with(new);
        if now - entry.since >= self.time {
            *entry = new();
        }
        Arc::clone(&entry.value)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    async fn ask(kept: &Kept<u32, u32>, asked: &AtomicUsize, answer: Result<u32, ()>) -> Result<u32, ()> {
        let question = async {
            tokio::task::yield_now().await;
            asked.fetch_add(1, Ordering::SeqCst);
            answer
        };
        kept.get(1, question).await
    }

    #[tokio::test]
    async fn many_who_ask_the_same_are_one_question() {
        let (kept, asked) = (Kept::new(Duration::from_mins(10), 8), AtomicUsize::new(0));
        let answers = futures_util::future::join_all((0..50).map(|_| ask(&kept, &asked, Ok(7)))).await;
        assert!(answers.iter().all(|answer| *answer == Ok(7)));
        assert_eq!(asked.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn a_failure_and_an_old_answer_are_asked_again() {
        let asked = AtomicUsize::new(0);
        let kept = Kept::new(Duration::from_mins(10), 8);
        assert_eq!(ask(&kept, &asked, Err(())).await, Err(()));
        assert_eq!(ask(&kept, &asked, Ok(1)).await, Ok(1));
        let short = Kept::new(Duration::ZERO, 8);
        assert_eq!(ask(&short, &asked, Ok(2)).await, Ok(2));
        assert_eq!(ask(&short, &asked, Ok(3)).await, Ok(3));
        assert_eq!(asked.load(Ordering::SeqCst), 4);
    }

    #[tokio::test]
    async fn no_more_are_kept_than_fit() {
        let kept = Kept::new(Duration::from_mins(10), 4);
        for key in 0..100 {
            let _: Result<u32, ()> = kept.get(key, async { Ok(key) }).await;
        }
        assert!(kept.entries.lock().unwrap().len() <= 4);
    }
}
