//! A thread's log, and how far it cannot be lost any more.

use tokio::sync::watch;

use crate::{
    agui::Id,
    eventlog::{LogError, Seq, ThreadLog},
};

/// A log for whoever writes it or waits for what is written: what has an archive is uploaded as long as somebody has this.
#[derive(Debug, Clone)]
pub(super) struct Keeping {
    /// The log on this machine's disk.
    pub(super) log: ThreadLog,
    /// How far it is in the archive; none: there is none, and the disk is enough.
    pub(super) uploaded: Option<watch::Receiver<Seq>>,
}

/// What somebody else has still to upload.
#[derive(Debug)]
pub(super) struct Later {
    uploaded: watch::Receiver<Seq>,
    seq: Seq,
}

impl Later {
    /// Until it is uploaded, or nobody will upload it any more.
    pub(super) async fn comes(mut self) {
        let _ = self.uploaded.wait_for(|uploaded| *uploaded >= self.seq).await;
    }
}

impl Keeping {
    /// The last record that cannot be lost any more. Waits for the disk, never for an archive.
    pub(super) async fn safe(&self) -> Result<Seq, LogError> {
        if let Some(uploaded) = &self.uploaded {
            return Ok(*uploaded.borrow());
        }
        let last = self.log.last_seq();
        self.log.sync().await?;
        Ok(last)
    }

    /// What to wait for until a record is in the archive; none: it is, or there is no archive.
    pub(super) fn later(self, seq: Seq) -> Option<Later> {
        let uploaded = self.uploaded.filter(|uploaded| *uploaded.borrow() < seq)?;
        Some(Later { uploaded, seq })
    }

    /// Until the end of a run cannot be lost any more.
    pub(super) async fn end_is_safe(&self, run: &Id) -> Result<(), LogError> {
        self.log.sync().await?;
        let last = self.log.run(run).map_or(0, |span| span.last);
        if let Some(later) = self.clone().later(last) {
            later.comes().await;
        }
        Ok(())
    }
}
