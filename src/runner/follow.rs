//! Reading one run from its first record to its last.

use tokio::sync::watch;

use super::thread::{Start, Ticket};
use crate::{
    agui::Id,
    eventlog::{Chunk, LogError, Reader, Seq, ThreadLog},
};

/// A cursor in one run.
pub struct Follow {
    reader: Reader,
    log: ThreadLog,
    run_id: Id,
}

impl Follow {
    /// What a run says after a seq.
    #[must_use]
    pub fn new(log: ThreadLog, run_id: Id, after: Seq) -> Self {
        Self { reader: log.reader(after), log, run_id }
    }

    /// The run of a ticket, from its start; waits for it. `None`: it will not start here.
    pub async fn start(ticket: &mut Ticket) -> Option<Self> {
        let after = started(&mut ticket.start).await?;
        Some(Self::new(ticket.log.clone(), ticket.run_id.clone(), after))
    }

    /// The run that is read.
    #[must_use]
    pub fn run_id(&self) -> &Id {
        &self.run_id
    }

    /// The run's next records, and whether its last one is among them. Cancel-safe.
    pub async fn next(&mut self) -> Result<(Chunk, bool), LogError> {
        let chunk = self.reader.next().await?;
        let end = self.log.run(&self.run_id).filter(|run| run.ended && run.last <= chunk.last);
        let own = end.and_then(|run| chunk.up_to(run.last));
        let is_last = own.is_some();
        Ok((own.unwrap_or(chunk), is_last))
    }
}

async fn started(start: &mut watch::Receiver<Start>) -> Option<Seq> {
    let settled = start.wait_for(|start| !matches!(start, Start::Queued(_))).await.ok()?;
    match *settled {
        Start::Started(after) => Some(after),
        Start::Queued(_) | Start::Left => None,
    }
}
