//! The heartbeat of one stream.

use std::{pin::Pin, time::Duration};

use tokio::time::{Instant, Sleep, sleep_until};

/// Says when a stream has been silent for so long that it should say that it lives.
///
/// It has one timer for the whole stream, which is moved only when it runs out: arming one for every piece would wake the
/// event loop once more for each.
pub(super) struct Pulse {
    every: Duration,
    spoke: Instant,
    timer: Pin<Box<Sleep>>,
}

impl Pulse {
    /// The stream speaks now.
    pub(super) fn new(every: Duration) -> Self {
        let spoke = Instant::now();
        Self { every, spoke, timer: Box::pin(sleep_until(spoke + every)) }
    }

    /// The stream has said something.
    pub(super) fn spoke(&mut self) {
        self.spoke = Instant::now();
    }

    /// Resolves when the stream has said nothing for the time between two heartbeats. Cancel-safe.
    pub(super) async fn beat(&mut self) {
        loop {
            self.timer.as_mut().await;
            let due = self.spoke + self.every;
            if due <= Instant::now() {
                return;
            }
            self.timer.as_mut().reset(due);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn bug_09_the_time_to_the_next_heartbeat_counts_from_what_the_stream_said_last() {
        let every = Duration::from_millis(30);
        let mut pulse = Pulse::new(every);
        for _ in 0..3 {
            tokio::time::sleep(every / 2).await;
            let spoke = Instant::now();
            pulse.spoke();
            pulse.beat().await;
            assert!(spoke.elapsed() >= every);
        }
    }
}
