//! Many readers of one log, who are told of new records together.

use std::{
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};

use tokio::{sync::watch, time::sleep};

use super::Seq;

/// What it takes to hand a piece to one reader, about: while all of them are served, more may come, and each would be served
/// twice.
const EACH: Duration = Duration::from_micros(4);
/// So few readers are told at once.
const SHORT: Duration = Duration::from_millis(1);
/// The latest.
const LONG: Duration = Duration::from_millis(25);

/// How long records wait for those that come close behind them.
fn pause(readers: usize) -> Duration {
    let pause = EACH.saturating_mul(u32::try_from(readers).unwrap_or(u32::MAX)).min(LONG);
    if pause < SHORT { Duration::ZERO } else { pause }
}

/// Who tells the readers, while there are some.
#[derive(Debug, Default)]
pub(super) struct Crowd(Mutex<Weak<watch::Sender<Seq>>>);

impl Crowd {
    /// One more reader. It is told after every change of `tip`, until the log is gone; when nobody else tells, somebody is
    /// started who does, so there must be a runtime.
    pub(super) fn join(&self, tip: &watch::Sender<Seq>) -> watch::Receiver<Seq> {
        let mut teller = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(teller) = teller.upgrade() {
            return teller.subscribe();
        }
        let (tell, told) = watch::channel(*tip.borrow());
        let tell = Arc::new(tell);
        *teller = Arc::downgrade(&tell);
        tokio::spawn(tell_all(tip.subscribe(), tell));
        told
    }
}

/// Tells until nobody listens. Who joins at that very moment finds that nobody tells, and joins again.
async fn tell_all(mut tip: watch::Receiver<Seq>, readers: Arc<watch::Sender<Seq>>) {
    loop {
        tokio::select! {
            changed = tip.changed() => if changed.is_err() { return },
            () = readers.closed() => return,
        }
        let pause = pause(readers.receiver_count());
        if !pause.is_zero() {
            sleep(pause).await;
        }
        readers.send_replace(*tip.borrow_and_update());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_are_told_at_once_and_nobody_waits_long() {
        assert_eq!(pause(1), Duration::ZERO);
        assert_eq!(pause(249), Duration::ZERO);
        assert_eq!(pause(1_000), Duration::from_millis(4));
        assert_eq!(pause(1_000_000), LONG);
        assert_eq!(pause(usize::MAX), LONG);
    }

    #[tokio::test]
    async fn what_comes_close_together_is_told_once() {
        let (crowd, tip) = (Crowd::default(), watch::Sender::new(0));
        let mut readers: Vec<_> = (0..2_000).map(|_| crowd.join(&tip)).collect();
        for seq in 1..=5 {
            tip.send_replace(seq);
            tokio::task::yield_now().await;
        }
        assert!(readers.iter().all(|reader| !reader.has_changed().unwrap()));
        for reader in &mut readers {
            reader.changed().await.unwrap();
            assert_eq!(*reader.borrow_and_update(), 5);
        }
        sleep(LONG * 2).await;
        assert!(readers.iter().all(|reader| !reader.has_changed().unwrap()));
    }

    #[tokio::test]
    async fn a_crowd_that_has_left_comes_again() {
        let (crowd, tip) = (Crowd::default(), watch::Sender::new(0));
        drop(crowd.join(&tip));
        // Whoever told the first one has noticed that he is gone.
        sleep(LONG).await;
        assert_eq!(tip.receiver_count(), 0);
        let mut reader = crowd.join(&tip);
        tip.send_replace(1);
        reader.changed().await.unwrap();
        assert_eq!(*reader.borrow(), 1);
    }

    #[tokio::test]
    async fn it_ends_with_the_log() {
        let (crowd, tip) = (Crowd::default(), watch::Sender::new(0));
        let mut reader = crowd.join(&tip);
        drop(tip);
        assert!(reader.changed().await.is_err());
    }
}
