//! Joining a thread as an AG-UI client.

use std::time::Duration;

use axum::body::Bytes;
use futures_util::stream::Stream;

use super::stream;
use crate::eventlog::{LogError, RunSpan, ThreadLog};

/// Waits for a run that has started and not ended.
pub(super) async fn running(log: &ThreadLog) -> Result<RunSpan, LogError> {
    let mut reader = log.reader(log.last_seq());
    loop {
        if let Some(run) = log.runs().pop().filter(|run| run.started && !run.ended) {
            return Ok(run);
        }
        reader.next().await?;
    }
}

/// The run that goes, from its first event to its last; heartbeats until one goes.
pub(super) fn thread(
    log: ThreadLog,
    heartbeat: Duration,
) -> impl Stream<Item = Result<Bytes, LogError>> {
    stream::when_running(log, heartbeat)
}
