//! Reading one run to its end.

use axum::body::Bytes;

use crate::{
    agui::Id,
    eventlog::{LogError, Reader, Seq, ThreadLog},
};

/// A cursor in one run.
pub(super) struct Follow {
    reader: Reader,
    log: ThreadLog,
    run_id: Id,
}

impl Follow {
    /// What the run says after a seq.
    pub(super) fn new(log: ThreadLog, run_id: Id, after: Seq) -> Self {
        Self { reader: log.reader(after), log, run_id }
    }

    /// The run's next frames, and whether its last one is among them.
    pub(super) async fn next(&mut self) -> Result<(Bytes, bool), LogError> {
        let chunk = self.reader.next().await?;
        let end = self.log.run(&self.run_id).filter(|run| run.ended).map(|run| run.last);
        Ok(match end.filter(|end| *end <= chunk.last) {
            Some(end) => (chunk.up_to(end).map_or_else(Bytes::new, |chunk| chunk.frames), true),
            None => (chunk.frames, false),
        })
    }
}
