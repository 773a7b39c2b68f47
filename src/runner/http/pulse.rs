//! The heartbeat of one stream.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::time::{Instant, Sleep, sleep_until};

/// The timer of the stream that ended last, for the next one. It runs on meanwhile: to arm another one that is due before all
/// others would wake the event loop once for each short stream.
#[derive(Debug, Clone, Default)]
pub(super) struct Timers(Arc<Mutex<Option<Timer>>>);

type Timer = Pin<Box<Sleep>>;

impl Timers {
    fn take(&self) -> Option<Timer> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn keep(&self, timer: Timer) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(timer);
    }
}

/// Says when a stream has been silent for so long that it should say that it lives.
///
/// It has one timer for the whole stream, which is moved only when it runs out: arming one for every piece would wake the
/// event loop once more for each.
pub(super) struct Pulse {
    every: Duration,
    spoke: Instant,
    /// There until it is dropped.
    timer: Option<Timer>,
    timers: Timers,
}

impl Drop for Pulse {
    fn drop(&mut self) {
        if let Some(timer) = self.timer.take() {
            self.timers.keep(timer);
        }
    }
}

impl Pulse {
    /// The stream speaks now.
    pub(super) fn new(every: Duration, timers: &Timers) -> Self {
        let spoke = Instant::now();
        let timer = timers.take().filter(|timer| timer.deadline() <= spoke + every);
        let timer = timer.unwrap_or_else(|| Box::pin(sleep_until(spoke + every)));
        Self { every, spoke, timer: Some(timer), timers: timers.clone() }
    }

    /// The stream has said something.
    pub(super) fn spoke(&mut self) {
        self.spoke = Instant::now();
    }

    /// Resolves when the stream has said nothing for the time between two heartbeats. Cancel-safe.
    pub(super) async fn beat(&mut self) {
        while let Some(timer) = &mut self.timer {
            timer.as_mut().await;
            let due = self.spoke + self.every;
            if due <= Instant::now() {
                return;
            }
            timer.as_mut().reset(due);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn bug_09_the_time_to_the_next_heartbeat_counts_from_what_the_stream_said_last() {
        let every = Duration::from_millis(30);
        let mut pulse = Pulse::new(every, &Timers::default());
        for _ in 0..3 {
            tokio::time::sleep(every / 2).await;
            let spoke = Instant::now();
            pulse.spoke();
            pulse.beat().await;
            assert!(spoke.elapsed() >= every);
        }
    }

    #[tokio::test]
    async fn a_timer_that_was_used_before_beats_in_time() {
        let (every, timers) = (Duration::from_millis(30), Timers::default());
        drop(Pulse::new(every, &timers));
        for late in [every / 3, every * 2] {
            tokio::time::sleep(late).await;
            let begun = Instant::now();
            Pulse::new(every, &timers).beat().await;
            assert!((every..every * 10).contains(&begun.elapsed()));
        }
    }
}
