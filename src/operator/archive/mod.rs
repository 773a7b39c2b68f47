//! What sessions have done, in object storage: the directory of the operator is only a buffer in front of it.
//!
//! ```text
//! runner ─► log in the buffer ─► uploader of the thread ─► object store
//!    ▲                                                        │
//!    └──────── acknowledged, and Runs are terminal ◄──────────┘
//! ```
//!
//! - A record is uploaded at most 1 s after it came, a run's last one at once. Records are synced in the buffer before, so the
//!   buffer never has less than the bucket unless it is lost as a whole.
//! - An object is created and never changed, but for `session.json`. One that is there with another content was written by
//!   another operator: then this one ends.
//! - [`Archive::restore`] brings the buffer to what the bucket has, whatever the buffer is: empty, behind, ahead, or another's.

mod bucket;
mod forget;
mod http;
mod notes;
mod paths;
mod piece;
mod plan;
mod restore;
mod retry;
#[cfg(test)]
mod s3_tests;
#[cfg(test)]
mod tests;
mod threads;
mod upload;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use tokio::sync::watch;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

pub use self::{
    bucket::{Bucket, BucketError},
    restore::RestoreError,
};
use self::{notes::Note, threads::Thread};
use super::kept::Sessions;
use crate::{
    agui::Id,
    eventlog::{LogError, Seq, Store, ThreadLog},
};

/// What is uploaded, and what it is uploaded from.
#[derive(Clone)]
pub(super) struct Archive {
    inner: Arc<Inner>,
}

struct Inner {
    bucket: Bucket,
    store: Arc<Store>,
    sessions: Arc<Sessions>,
    /// By the key of the thread's log.
    threads: Mutex<HashMap<Id, Thread>>,
    /// By the session's UID.
    notes: Mutex<HashMap<String, Note>>,
    /// The operator ends: nothing waits for company any more.
    ending: CancellationToken,
    /// The object that another operator has written.
    taken: watch::Sender<Option<String>>,
    tasks: TaskTracker,
}

impl Archive {
    /// Nothing is asked of the bucket yet.
    pub(super) fn new(bucket: Bucket, store: Arc<Store>, sessions: Arc<Sessions>) -> Self {
        let (threads, notes) = (Mutex::default(), Mutex::default());
        let (ending, taken, tasks) = (CancellationToken::new(), watch::Sender::new(None), TaskTracker::new());
        Self { inner: Arc::new(Inner { bucket, store, sessions, threads, notes, ending, taken, tasks }) }
    }

    /// How far a thread is uploaded. It is uploaded as long as somebody has this, and then to its end.
    pub(super) fn uploads(&self, uid: &str, thread: &Id, log: &ThreadLog) -> watch::Receiver<Seq> {
        self.inner.uploads(uid, thread, log)
    }

    /// Why a thread must not go on: what the bucket has of it cannot be read.
    pub(super) fn check(&self, key: &Id) -> Result<(), LogError> {
        self.inner.check(key)
    }

    /// Has what is known of a session written down.
    pub(super) fn note(&self, uid: &str) {
        self.inner.note(uid);
    }

    /// Brings the buffer to what the bucket has, and begins to upload what the bucket does not have.
    pub(super) async fn restore(&self) -> Result<(), RestoreError> {
        self.inner.restore().await
    }

    /// Deletes what the bucket has of a session that is not here any more.
    pub(super) fn forget(&self, uid: &str, threads: &[Id]) {
        self.inner.forget(uid, threads);
    }

    /// Until another operator has written here; the name of the object.
    pub(super) async fn taken(&self) -> String {
        let mut taken = self.inner.taken.subscribe();
        match taken.wait_for(Option::is_some).await.map(|object| object.clone()) {
            Ok(object) => object.unwrap_or_default(),
            // Nobody writes any more.
            Err(_) => std::future::pending().await,
        }
    }

    /// Uploads what waits. Whoever asks knows how long that may take.
    pub(super) async fn finish(&self) {
        self.inner.ending.cancel();
        self.inner.tasks.close();
        self.inner.tasks.wait().await;
    }
}
