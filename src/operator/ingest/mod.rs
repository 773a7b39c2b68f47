//! One tail for each session whose pod is there: what its runner writes is kept here, and the runner is told so.

pub(super) mod lines;
mod tail;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::{
    sync::{Notify, mpsc::UnboundedSender, oneshot, watch},
    task::AbortHandle,
};
use tokio_util::sync::CancellationToken;

use self::tail::Work;
use super::{error::OperatorError, history::History, kept::Kept};
use crate::{
    agui::{Id, RunAgentInput},
    security::Secret,
};

/// Where a session's runner is.
#[derive(Debug, Clone)]
pub(super) struct Source {
    pub(super) session: String,
    pub(super) of: Kept,
    /// The pod's name and UID.
    pub(super) pod: (String, String),
    /// `http://IP:PORT`
    pub(super) url: String,
    pub(super) token: Secret,
}

/// A run that has begun. It is kept only when it has been made a Run, or needs none.
#[derive(Debug)]
pub(super) struct Begun {
    pub(super) source: Source,
    pub(super) thread: Id,
    pub(super) run: Id,
    pub(super) input: Option<Box<RunAgentInput>>,
    /// Told when kubectl sees it, or that it is tried again when the tail is.
    pub(super) done: oneshot::Sender<Result<(), OperatorError>>,
}

/// Where runs that begin are told.
pub(super) type ToBegun = UnboundedSender<Begun>;

/// The tails, by session UID.
pub(super) struct Ingest {
    history: Arc<History>,
    http: reqwest::Client,
    begun: ToBegun,
    tails: Mutex<HashMap<String, Tail>>,
}

struct Tail {
    pod: String,
    url: String,
    task: AbortHandle,
    again: Arc<Notify>,
    /// The pod is gone: what is on its way is taken, and no more.
    gone: CancellationToken,
    /// Whether the runner can be heard.
    connected: watch::Receiver<bool>,
}

impl Drop for Tail {
    fn drop(&mut self) {
        self.gone.cancel();
    }
}

impl Ingest {
    pub(super) fn new(history: Arc<History>, http: reqwest::Client, begun: ToBegun) -> Self {
        Self { history, http, begun, tails: Mutex::default() }
    }

    /// Listens to a session's runner unless it is listened to.
    pub(super) fn follow(&self, source: Source) {
        let mut tails = self.lock();
        let (uid, pod, url) = (source.session.clone(), source.pod.1.clone(), source.url.clone());
        if let Some(known) = tails.get(&uid).filter(|known| known.pod == pod && known.url == url) {
            return known.again.notify_one();
        }
        let (again, gone) = (Arc::new(Notify::new()), CancellationToken::new());
        let (tell, connected) = watch::channel(false);
        let (history, http, begun) = (Arc::clone(&self.history), self.http.clone(), self.begun.clone());
        let work = Work::new(history, http, begun, source, tell);
        // That of another pod is dropped with its place in the list, and so told to end.
        let before = tails.get(&uid).map(|before| before.connected.clone());
        let (go_on, stop) = (Arc::clone(&again), gone.clone());
        let task = tokio::spawn(async move {
            // What is on its way from another pod comes first: its numbers are lower.
            if let Some(mut before) = before {
                while before.changed().await.is_ok() {}
            }
            work.run(go_on, stop).await;
        });
        tails.insert(uid, Tail { pod, url, task: task.abort_handle(), again, gone, connected });
    }

    /// Whether a pod's runner may still have something to say.
    pub(super) fn is_heard(&self, session: &str, pod: &str) -> bool {
        let tails = self.lock();
        let tail = tails.get(session).filter(|tail| tail.pod == pod);
        tail.is_some_and(|tail| !tail.task.is_finished() && *tail.connected.borrow())
    }

    /// Listens only to pods that are there.
    pub(super) fn retain(&self, is_there: impl Fn(&str) -> bool) {
        self.lock().retain(|_, tail| {
            if !is_there(&tail.pod) {
                tail.gone.cancel();
            }
            !tail.task.is_finished()
        });
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Tail>> {
        self.tails.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
