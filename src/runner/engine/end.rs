//! The end of an engine.

use std::time::Duration;

use super::{Engine, lock};

/// The time that running turns get to end when the runner is told to; the pod's grace period is longer.
const STOP_WITHIN: Duration = Duration::from_secs(4);

impl Engine {
    /// Stops every turn, lets each write its end, and ends the agents and the log. Resolves within about 5 s.
    pub async fn shutdown(&self) {
        self.end_turns().await;
        self.close();
    }

    /// The same, but the log can still be read to its end and acknowledged, until [`Self::close`].
    pub async fn end_turns(&self) {
        for thread in lock(&self.threads).values() {
            thread.close();
        }
        self.workers.close();
        if tokio::time::timeout(STOP_WITHIN, self.workers.wait()).await.is_err() {
            tracing::error!("turns did not end in time; the next runner ends them");
        }
        self.bridge.shutdown().await;
        if let Some(tools) = &self.tools {
            tools.grants().revoke();
        }
    }

    /// Ends the log.
    pub fn close(&self) {
        // A clean end: the next runner goes on without a scan. Without it nothing is lost.
        if let Err(error) = self.store.close() {
            tracing::warn!(%error, "the log was not closed cleanly");
        }
    }
}
