//! How far each thread is uploaded, and who uploads it.

use std::{
    collections::HashMap,
    sync::{Arc, MutexGuard, PoisonError},
};

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::{
    Inner, paths,
    upload::{Upload, is_read},
};
use crate::{
    agui::Id,
    eventlog::{LogError, Reader, Seq, ThreadLog},
    operator::history::key,
};

/// What is known of a thread.
#[derive(Default)]
pub(super) struct Thread {
    /// The last record that the bucket has.
    pub(super) uploaded: Arc<watch::Sender<Seq>>,
    /// Whether it has an uploader.
    pub(super) has_uploader: bool,
    /// It is deleted: nobody uploads it any more.
    pub(super) gone: CancellationToken,
    /// What the bucket has of it cannot be read.
    pub(super) damage: Option<LogError>,
}

impl Inner {
    /// How far a thread is uploaded; it gets an uploader if it has none.
    pub(super) fn uploads(self: &Arc<Self>, uid: &str, thread: &Id, log: &ThreadLog) -> watch::Receiver<Seq> {
        let key = key(uid, thread);
        let mut threads = self.threads();
        let known = threads.entry(key.clone()).or_default();
        let uploaded = known.uploaded.subscribe();
        if !known.has_uploader && known.damage.is_none() {
            known.has_uploader = true;
            let upload = Upload {
                archive: Arc::clone(self),
                key,
                uid: uid.to_owned(),
                thread: thread.clone(),
                folder: paths::thread(thread),
                log: log.clone(),
                uploaded: Arc::clone(&known.uploaded),
            };
            let gone = known.gone.clone();
            self.tasks.spawn(async move { gone.run_until_cancelled(upload.run()).await });
        }
        uploaded
    }

    /// Why a thread must not go on.
    pub(super) fn check(&self, key: &Id) -> Result<(), LogError> {
        self.threads().get(key).and_then(|thread| thread.damage.clone()).map_or(Ok(()), Err)
    }

    /// Whether an uploader may end: nobody will write, and nothing is left. In one step with [`Self::uploads`].
    pub(super) fn is_over(&self, key: &Id, log: &ThreadLog, reader: &Reader) -> Result<bool, LogError> {
        let mut threads = self.threads();
        let Some(thread) = threads.get_mut(key) else { return Ok(true) };
        let is_over = thread.uploaded.receiver_count() == 0 && is_read(log, reader)?;
        thread.has_uploader = !is_over;
        Ok(is_over)
    }

    pub(super) fn threads(&self) -> MutexGuard<'_, HashMap<Id, Thread>> {
        self.threads.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
