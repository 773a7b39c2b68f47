//! Joining a thread as an AG-UI client.

use axum::body::Bytes;

use crate::{
    agui::{Event, Id, Thread, sse},
    eventlog::{LogError, RunSpan, Seq, ThreadLog},
    runner::Follow,
};

/// What a client is sent first, and where it goes on.
pub(super) struct Joined {
    /// The past, as a valid stream of its own; its ids are the seq it was joined at.
    pub(super) prelude: Bytes,
    /// The run that goes.
    pub(super) run: Option<Id>,
    /// The seq it was joined at.
    pub(super) at: Seq,
}

/// Reads what the log holds now. Linear in the log, and needed once a connection.
pub(super) async fn join(log: &ThreadLog) -> Result<Joined, LogError> {
    let at = log.last_seq();
    let thread = fold(log, at).await?;
    Ok(Joined { prelude: frames(&thread.prelude(), at), run: thread.active_run().cloned(), at })
}

async fn fold(log: &ThreadLog, at: Seq) -> Result<Thread, LogError> {
    let mut thread = Thread::new();
    let mut reader = log.reader(log.first_seq() - 1);
    while reader.cursor() < at {
        let Some(chunk) = reader.next().await?.up_to(at) else {
            break;
        };
        // An event that this version does not know is of a newer one; what it knows still makes sense without it.
        chunk.records().filter_map(|record| record.event().ok()).for_each(|event| thread.apply(&event));
    }
    Ok(thread)
}

fn frames(events: &[Event], at: Seq) -> Bytes {
    let mut out = Vec::new();
    for event in events {
        // Events of the log have a JSON form: they came from one.
        let json = serde_json::to_vec(event).unwrap_or_default();
        sse::write_frame(&mut out, at, &json);
    }
    out.into()
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
