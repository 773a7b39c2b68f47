//! A scripted model in the test's process: a stand-in for the Messages API that answers from rules and remembers what
//! it was asked.

#![allow(dead_code, reason = "each test uses its part")]
#![allow(clippy::expect_used, clippy::panic, reason = "a double that cannot work fails its test")]

#[path = "../../examples/scripted_model/mod.rs"]
mod scripted_model;

use std::{
    fs,
    net::{Ipv4Addr, TcpListener},
    path::Path,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread::JoinHandle,
    time::Duration,
};

use axum::serve::ListenerExt;
use tokio_util::sync::CancellationToken;

pub(crate) use scripted_model::journal::Received;
use scripted_model::server;

/// A model that listens on a port of its own until it is dropped, independent of the test's runtime.
pub(crate) struct Model {
    /// What `ANTHROPIC_BASE_URL` is set to.
    pub(crate) url: String,
    journal: Arc<Journal>,
    stop: CancellationToken,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Journal {
    received: Mutex<Vec<Received>>,
    changed: Condvar,
}

impl Model {
    /// Starts a model with the rules of a script (YAML, see `examples/scripts/README.md`).
    pub(crate) fn start(script: &str) -> Self {
        Self::try_start(script).expect("the script is valid")
    }

    /// [`Model::start`] with a script that may be wrong.
    pub(crate) fn try_start(script: &str) -> Result<Self, String> {
        let journal = Arc::new(Journal::default());
        let writer = Arc::clone(&journal);
        let recorder: server::Recorder = Arc::new(move |received| writer.push(received.clone()));
        let model = server::Model::new(script, recorder)?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let address = listener.local_addr().expect("an address");
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        let thread = std::thread::spawn(move || serve(listener, model, &stopped));
        Ok(Self { url: format!("http://{address}"), journal, stop, thread: Some(thread) })
    }

    /// Starts a model with a script of `examples/scripts`.
    pub(crate) fn example(name: &str) -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/scripts").join(name);
        Self::start(&fs::read_to_string(path).expect("the script exists"))
    }

    /// Everything that was asked so far, in order.
    pub(crate) fn requests(&self) -> Vec<Received> {
        self.journal.lock().clone()
    }

    /// The requests that were made for a person: those to `/v1/messages` that are not the client's own.
    pub(crate) fn conversations(&self) -> Vec<Received> {
        let mut requests = self.requests();
        requests.retain(|request| !request.model.is_empty() && !request.side);
        requests
    }

    /// Waits for a request that fits. Fails the test when none came in time.
    pub(crate) fn wait_for(&self, deadline: Duration, fits: impl Fn(&Received) -> bool) -> Received {
        let journal = self.journal.lock();
        let waiting = |received: &mut Vec<Received>| !received.iter().any(&fits);
        let (journal, _) =
            self.journal.changed.wait_timeout_while(journal, deadline, waiting).unwrap_or_else(PoisonError::into_inner);
        let found = journal.iter().find(|request| fits(request)).cloned();
        found.unwrap_or_else(|| panic!("no such request within {deadline:?}; asked was: {:#?}", lines(&journal)))
    }
}

impl Drop for Model {
    fn drop(&mut self) {
        self.stop.cancel();
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap_or_default();
        }
    }
}

impl Journal {
    fn lock(&self) -> MutexGuard<'_, Vec<Received>> {
        self.received.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, received: Received) {
        self.lock().push(received);
        self.changed.notify_all();
    }
}

fn lines(received: &[Received]) -> Vec<String> {
    received.iter().map(Received::line).collect()
}

fn serve(listener: TcpListener, model: server::Model, stop: &CancellationToken) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        listener.set_nonblocking(true).expect("a listener");
        let listener = tokio::net::TcpListener::from_std(listener).expect("a listener");
        let listener = listener.tap_io(|connection| connection.set_nodelay(true).unwrap_or_default());
        tokio::select! {
            served = axum::serve(listener, model.router()) => served.expect("the model serves"),
            () = stop.cancelled() => {}
        }
    });
}
