//! A thread, folded up to a seq.

use axum::body::Bytes;

use super::Joined;
use crate::{
    agui::{Event, Thread, sse},
    eventlog::{Chunk, LogError, Seq, ThreadLog},
};

/// A thread, folded up to a seq, and what clients that join there are sent.
#[derive(Default)]
pub(super) struct Folded {
    thread: Thread,
    at: Seq,
    prelude: Option<Bytes>,
}

impl Folded {
    /// Joins at the log's end: linear in what the log got since the last time. Cancelling it keeps what was folded.
    pub(super) async fn join(&mut self, log: &ThreadLog) -> Result<Joined, LogError> {
        self.go_on_to(end(log), log).await?;
        let prelude = self.prelude.get_or_insert_with(|| frames(&self.thread.prelude(), self.at)).clone();
        Ok(Joined { prelude, run: self.thread.active_run().cloned(), at: self.at })
    }

    async fn go_on_to(&mut self, end: Seq, log: &ThreadLog) -> Result<(), LogError> {
        let mut reader = log.reader(self.at);
        while self.at < end {
            match reader.next().await {
                Ok(chunk) => {
                    self.prelude = None;
                    let new = chunk.up_to(end);
                    // An event that this version does not know is of a newer one; what it knows makes sense without it.
                    let events = new.iter().flat_map(Chunk::records).filter_map(|record| record.event().ok());
                    events.for_each(|event| self.thread.apply(&event));
                    self.at = end.min(chunk.last);
                }
                // Trimmed: what is left is all there is.
                Err(LogError::Gap { first, .. }) => {
                    *self = Self { at: first - 1, ..Self::default() };
                    reader = log.reader(self.at);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

/// The last record's number, or the one before the first that can come. Not [`ThreadLog::last_seq`]: the last numbers may
/// have been left out, and nothing comes for them.
fn end(log: &ThreadLog) -> Seq {
    let last = log.runs().iter().map(|run| run.last).max();
    last.unwrap_or(0).max(log.first_seq() - 1)
}

fn frames(events: &[Event], at: Seq) -> Bytes {
    let mut out = Vec::new();
    sse::write_events(&mut out, at, events);
    out.into()
}
