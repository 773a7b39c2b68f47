//! Joining a thread as an AG-UI client.

mod folded;
mod kept;
#[cfg(test)]
mod tests;

use axum::body::Bytes;

use crate::{
    agui::Id,
    eventlog::{LogError, RunSpan, Seq, ThreadLog},
    runner::Follow,
};

pub(super) use kept::Joins;

/// What a client is sent first, and where it goes on.
pub(super) struct Joined {
    /// The past, as a valid stream of its own; its ids are the seq it was joined at.
    pub(super) prelude: Bytes,
    /// The run that goes.
    pub(super) run: Option<Id>,
    /// The seq it was joined at.
    pub(super) at: Seq,
}

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

/// Waits for the next run after a seq, from its first event.
pub(super) async fn next_run(log: &ThreadLog, after: Seq) -> Result<Follow, LogError> {
    let chunk = log.reader(after).next().await?;
    let run = chunk.records().next().map(|record| record.run_id().clone());
    Ok(Follow::new(log.clone(), run.unwrap_or_else(|| Id::from("")), after))
}
