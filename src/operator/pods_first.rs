//! Who goes first to the API server when many sessions begin at once: what a person waits for is the pod.

use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit, watch};

/// How many pods are on their way at once: enough to keep an API server busy.
const AT_ONCE: usize = 32;
/// How many others write then.
const OTHERS: usize = 16;
/// How long the rest waits for pods at most, so that it goes on however many sessions begin.
const PATIENCE: Duration = Duration::from_millis(500);

/// While sessions get their pods, what else there is to write waits a moment.
pub(super) struct PodsFirst {
    beginning: watch::Sender<usize>,
    places: Semaphore,
    others: Semaphore,
}

impl Default for PodsFirst {
    fn default() -> Self {
        Self { beginning: watch::Sender::new(0), places: Semaphore::new(AT_ONCE), others: Semaphore::new(OTHERS) }
    }
}

/// A session that gets its pod.
pub(super) struct Beginning<'a> {
    _counted: Counted<'a>,
    _place: Option<SemaphorePermit<'a>>,
}

/// One that begins, also while it waits for a place.
struct Counted<'a>(&'a watch::Sender<usize>);

impl<'a> Counted<'a> {
    fn new(beginning: &'a watch::Sender<usize>) -> Self {
        beginning.send_modify(|count| *count += 1);
        Self(beginning)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count -= 1);
    }
}

impl PodsFirst {
    /// Begins with a pod; until what comes back is dropped, others wait.
    pub(super) async fn begin(&self) -> Beginning<'_> {
        let counted = Counted::new(&self.beginning);
        // There are places as long as there is a `PodsFirst`.
        Beginning { _counted: counted, _place: self.places.acquire().await.ok() }
    }

    /// A place for something else: when no pod is on its way, or after a moment. It is given back when it is dropped.
    pub(super) async fn others(&self) -> Option<SemaphorePermit<'_>> {
        let mut beginning = self.beginning.subscribe();
        tokio::time::timeout(PATIENCE, beginning.wait_for(|count| *count == 0)).await.ok();
        self.others.acquire().await.ok()
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[tokio::test]
    async fn the_rest_waits_for_the_last_pod() {
        let pods_first = PodsFirst::default();
        let (one, other) = (pods_first.begin().await, pods_first.begin().await);
        drop(one);
        assert!(pods_first.others().now_or_never().is_none());
        drop(other);
        assert!(pods_first.others().now_or_never().is_some());
    }

    #[tokio::test]
    async fn pods_without_end_do_not_stop_the_rest() {
        let pods_first = PodsFirst::default();
        let _one = pods_first.begin().await;
        let begun = tokio::time::Instant::now();
        pods_first.others().await;
        assert!(begun.elapsed() >= PATIENCE);
    }

    #[tokio::test]
    async fn who_waits_for_a_place_counts_and_is_forgotten_when_it_gives_up() {
        let pods_first = PodsFirst::default();
        let mut all = Vec::new();
        for _ in 0..AT_ONCE {
            all.push(pods_first.begin().await);
        }
        let late = pods_first.begin();
        tokio::pin!(late);
        assert!(late.as_mut().now_or_never().is_none());
        drop(all.split_off(1));
        assert!(late.as_mut().now_or_never().is_some());
        drop(all);
        assert!(pods_first.others().now_or_never().is_some());
    }
}
