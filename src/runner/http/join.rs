//! Joining a thread as an AG-UI client.

use axum::body::Bytes;

use super::follow::Follow;
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

/// Waits for a run, then tells what has been, and where to go on.
pub(super) async fn join(log: &ThreadLog) -> Result<(Bytes, Follow), LogError> {
    let run = running(log).await?;
    Ok((Bytes::new(), Follow::new(log.clone(), run.run_id, run.first - 1)))
}
