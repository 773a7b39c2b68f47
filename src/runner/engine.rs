//! The runner without its HTTP server: threads, their queues, and the bridge they share.

mod end;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock},
    time::Duration,
};

use serde_json::{Value, json};
use tokio::sync::{Semaphore, broadcast, mpsc, watch};
use tokio_util::task::TaskTracker;

use super::{
    callers::Callers,
    feedback::Feedback,
    mcp::http::ToolsServer,
    probe::WorkspaceProbe,
    recover,
    session::{Live, RunRequest},
    stop::StopReason,
    thread::{Admission, Offered, Start, SubmitError, Thread, Ticket},
    told::{Told, Untold},
    turn,
};
use crate::{
    agui::Id,
    bridge::{Bridge, EventSink, SessionSpec, tools::ToolServer},
    eventlog::{LogError, Store, ThreadLog},
    security::Redactor,
};

/// Words on the progress of something that a turn may be behind with; older ones are left out.
const MOST_PROGRESS: usize = 64;

/// The name and the value of a CUSTOM event.
pub(crate) type Progress = (&'static str, Value);

/// What an engine is opened with.
pub struct Settings {
    /// What every agent is started with, and what the stream says of the workspace, at first.
    pub live: Live,
    /// How many runs of a thread may wait behind the running one.
    pub queue_limit: usize,
    /// How many turns may go at once, on all threads together; further runs wait.
    pub turn_limit: usize,
    /// How many threads there may be.
    pub thread_limit: usize,
    /// The longest time of a run that names none.
    pub run_timeout: Duration,
    /// What the first run's stream says of the set-up, a message each.
    pub notes: Vec<String>,
    /// The platform's own tools, for a bridge whose agents call them over HTTP.
    pub tools: Vec<Arc<dyn ToolServer>>,
    /// Looks at the workspace's repositories after each turn.
    pub probe: Arc<dyn WorkspaceProbe>,
    /// Told who is behind each run while it goes.
    pub callers: Arc<Callers>,
}

/// Why an engine could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The event log could not be opened or recovered.
    #[error(transparent)]
    Log(#[from] LogError),
    /// No port for the agents' tools could be had.
    #[error("the platform's tools cannot be served to agents on 127.0.0.1: {0}")]
    Tools(std::io::Error),
}

/// Threads around one bridge and one event log.
pub struct Engine {
    settings: Settings,
    /// The session as it is now: repositories, workflow and model change between turns.
    live: RwLock<Arc<Live>>,
    store: Store,
    bridge: Arc<dyn Bridge>,
    redactor: Arc<Redactor>,
    /// For a bridge whose agents call the platform's tools over HTTP.
    tools: Option<ToolsServer>,
    notes: Mutex<Vec<String>>,
    untold: Mutex<Untold>,
    /// What the turns that run tell at once.
    progress: broadcast::Sender<Progress>,
    threads: Mutex<HashMap<Id, Arc<Thread>>>,
    /// Changes when there is another thread.
    grown: watch::Sender<u64>,
    /// One permit for each turn that may go.
    turns: Arc<Semaphore>,
    /// Held while a thread is opened, so that what a former runner left open is ended once.
    opening: tokio::sync::Mutex<()>,
    workers: TaskTracker,
}

impl Engine {
    /// Opens the log, ends the runs that a former runner left open, and goes on with those it had accepted.
    pub async fn open(
        store: Store,
        bridge: Arc<dyn Bridge>,
        redactor: Arc<Redactor>,
        mut settings: Settings,
    ) -> Result<Arc<Self>, EngineError> {
        let turn_limit = settings.turn_limit.clamp(1, Semaphore::MAX_PERMITS);
        let notes = Mutex::new(std::mem::take(&mut settings.notes));
        let tools = std::mem::take(&mut settings.tools);
        let tools = if bridge.takes_tools_over_http() {
            let started = ToolsServer::start(tools, Arc::clone(&redactor)).await;
            Some(started.map_err(EngineError::Tools)?)
        } else {
            None
        };
        let live = RwLock::new(Arc::new(settings.live.clone()));
        let engine = Arc::new(Self {
            settings,
            live,
            store,
            bridge,
            redactor,
            tools,
            notes,
            untold: Mutex::default(),
            progress: broadcast::Sender::new(MOST_PROGRESS),
            threads: Mutex::default(),
            grown: watch::Sender::new(0),
            turns: Arc::new(Semaphore::new(turn_limit)),
            opening: tokio::sync::Mutex::default(),
            workers: TaskTracker::new(),
        });
        engine.recover().await?;
        engine.listen_for_follow_ups();
        Ok(engine)
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The session as it is now.
    pub fn live(&self) -> Arc<Live> {
        Arc::clone(&self.live.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Changes the session. Turns that run are not touched; the next turn of each thread sees the change, and its agent is
    /// started anew with the same conversation when it has to be.
    pub fn update(&self, change: impl FnOnce(&mut Live)) {
        let mut live = self.live.write().unwrap_or_else(PoisonError::into_inner);
        change(Arc::make_mut(&mut live));
    }

    /// Notes that the next run's stream begins with.
    pub fn note(&self, note: String) {
        lock(&self.notes).push(note);
    }

    /// Makes a model the session's; the one before it, or nothing when it is the same.
    pub fn switch_model(&self, model: &str) -> Option<Option<String>> {
        let mut previous = None;
        self.update(|live| {
            if live.session.0.model.as_deref() != Some(model) {
                previous = Some(live.session.0.model.replace(model.to_owned()));
            }
        });
        if let Some(previous) = &previous {
            let value = json!({ "model": model, "previousModel": previous });
            lock(&self.untold).add(Told { thread: None, name: "ambient:model_switched", value });
        }
        previous
    }

    /// Has the next run of its thread tell a piece of feedback.
    pub fn tell_feedback(&self, feedback: Feedback) {
        let value = json!({ "metaType": feedback.kind.name(), "runId": feedback.run_id, "payload": feedback.payload });
        lock(&self.untold).add(Told { thread: Some(feedback.thread_id), name: "ambient:feedback", value });
    }

    /// Tells how something goes on that no turn does: in each turn that runs, else the last word on each subject (what these
    /// members of the value say) at the beginning of the next one.
    pub(crate) fn tell_progress(&self, name: &'static str, value: Value, subject: [&str; 2]) {
        if let Err(broadcast::error::SendError((name, value))) = self.progress.send((name, value)) {
            lock(&self.untold).add_last(Told { thread: None, name, value }, subject);
        }
    }

    /// What a turn tells of such things while it runs.
    pub(crate) fn progress(&self) -> broadcast::Receiver<Progress> {
        self.progress.subscribe()
    }

    /// What a run of this thread tells of the time before it.
    pub(crate) fn take_told(&self, thread: &Id) -> Vec<Told> {
        lock(&self.untold).take(thread)
    }

    /// Whether a turn runs on any thread.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        lock(&self.threads).values().any(|thread| thread.is_busy())
    }

    pub(crate) fn bridge(&self) -> &Arc<dyn Bridge> {
        &self.bridge
    }

    /// What hides secrets.
    pub fn redactor(&self) -> Arc<Redactor> {
        Arc::clone(&self.redactor)
    }

    /// Set-up notes that no run has told yet.
    pub(crate) fn take_notes(&self) -> Vec<String> {
        std::mem::take(&mut *lock(&self.notes))
    }

    async fn recover(self: &Arc<Self>) -> Result<(), LogError> {
        for id in self.store.threads()? {
            let thread = self.thread(&id).await?;
            for request in recover::waiting_runs(&thread.log) {
                if let Ok(Offered::Accepted { idle: true, .. }) =
                    thread.offer(Arc::new(request), Admission::AcceptedBefore)
                {
                    self.work_on(thread.clone());
                }
            }
        }
        Ok(())
    }

    /// The thread of an id, made when it is met first.
    async fn thread(&self, id: &Id) -> Result<Arc<Thread>, LogError> {
        if let Some(thread) = self.known_thread(id) {
            return Ok(thread);
        }
        let _opening = self.opening.lock().await;
        if let Some(thread) = self.known_thread(id) {
            return Ok(thread);
        }
        let log = self.store.thread(id)?;
        let open = recover::end_open_run(&log).await?;
        let made = Arc::new(Thread::new(id.clone(), log, open));
        lock(&self.threads).insert(id.clone(), Arc::clone(&made));
        self.grown.send_modify(|count| *count += 1);
        Ok(made)
    }

    fn known_thread(&self, id: &Id) -> Option<Arc<Thread>> {
        lock(&self.threads).get(id).cloned()
    }

    /// The log of a thread that exists.
    pub fn log(&self, id: &Id) -> Option<ThreadLog> {
        Some(self.known_thread(id)?.log.clone())
    }

    /// The logs of all threads, and what changes when there is another one.
    pub(crate) fn logs(&self) -> (Vec<ThreadLog>, watch::Receiver<u64>) {
        let grown = self.grown.subscribe();
        (lock(&self.threads).values().map(|thread| thread.log.clone()).collect(), grown)
    }

    /// The log of a thread, made when the thread is new.
    pub async fn open_log(&self, id: &Id) -> Result<ThreadLog, LogError> {
        Ok(self.thread(id).await?.log.clone())
    }

    /// Starts the agent of a thread ahead of its first prompt. A failure is told by the run that needs the agent.
    pub async fn warm(&self, thread_id: &Id) {
        let spec = self.with_tools(self.live().session.warm(thread_id));
        if let Err(error) = self.bridge.warm(spec).await {
            tracing::warn!(thread = %thread_id, error = %self.redactor.redact_str(&error.to_string()), "the agent is not warm");
        }
    }

    /// What the agent of a run is started with; what its tools tell goes to `run`.
    pub(crate) fn spec(&self, request: &RunRequest, run: &EventSink) -> SessionSpec {
        let spec = self.with_tools(self.live().session.for_run(request));
        if let Some(tools) = &self.tools {
            tools.grants().hear(&spec.thread_id, run.downgrade());
        }
        spec
    }

    fn with_tools(&self, mut spec: SessionSpec) -> SessionSpec {
        let grants = self.tools.as_ref().map(ToolsServer::grants);
        spec.tools_endpoint = grants.map(|grants| grants.endpoint(&spec.thread_id, spec.user.as_deref()));
        spec
    }

    /// Accepts a run: when this resolves it is durable, started or waiting (but for a follow-up, which nobody asked for). A run id that the thread knows is not
    /// executed again; the ticket is for the run it names.
    pub async fn submit(self: &Arc<Self>, request: RunRequest) -> Result<Ticket, SubmitError> {
        self.check_room(&request.input.thread_id)?;
        let thread = self.thread(&request.input.thread_id).await?;
        let request = Arc::new(request);
        let offered = thread.offer(Arc::clone(&request), Admission::New { limit: self.settings.queue_limit })?;
        match offered {
            Offered::Known(ticket) => Ok(ticket),
            Offered::Accepted { ticket, idle, next } => {
                if idle {
                    self.work_on(Arc::clone(&thread));
                }
                if request.options.follow_up {
                    // What it would tell goes with the agent's process.
                    return Ok(ticket);
                }
                // One that starts at once needs no journal: its first event, which holds the input, is the durable record.
                if next && self.turns.available_permits() > 0 && starts_now(&ticket).await {
                    return Ok(ticket);
                }
                self.remember(&thread, &request, ticket).await
            }
        }
    }

    fn check_room(&self, id: &Id) -> Result<(), SubmitError> {
        let threads = lock(&self.threads);
        let limit = self.settings.thread_limit;
        if threads.len() < limit || threads.contains_key(id) {
            return Ok(());
        }
        Err(SubmitError::TooManyThreads { thread: id.clone(), limit })
    }

    async fn remember(&self, thread: &Thread, request: &RunRequest, ticket: Ticket) -> Result<Ticket, SubmitError> {
        if let Err(error) = recover::remember_waiting(&thread.log, request).await {
            thread.withdraw(&ticket.run_id);
            return Err(error.into());
        }
        Ok(ticket)
    }

    fn work_on(self: &Arc<Self>, thread: Arc<Thread>) {
        let engine = Arc::clone(self);
        self.workers.spawn(async move {
            loop {
                // Never closed, so there is always a permit to wait for.
                let _permit = engine.turns.acquire().await;
                let has_follow_up = || engine.bridge.has_follow_up(&thread.id);
                let Some((queued, plan)) = thread.take_next(jiff::Timestamp::now(), has_follow_up) else {
                    return;
                };
                turn::run(&engine, &thread, queued, plan).await;
            }
        });
    }

    fn listen_for_follow_ups(self: &Arc<Self>) {
        let (wake, mut woken) = mpsc::channel(16);
        self.bridge.follow_ups(wake);
        let engine = Arc::downgrade(self);
        tokio::spawn(async move {
            while let Some(thread_id) = woken.recv().await {
                let Some(engine) = engine.upgrade() else {
                    return;
                };
                let parent = engine.log(&thread_id).and_then(|log| log.runs().pop());
                let last = engine.settings.callers.last(&thread_id);
                let request = RunRequest::follow_up(thread_id, parent.map(|run| run.run_id), last.as_deref());
                if let Err(error) = engine.submit(request).await {
                    tracing::error!(%error, "a turn that the agent began by itself was refused");
                }
            }
        });
    }

    /// The user whose run of that id waits or goes on a thread; without an id, whose run is going.
    pub fn owner(&self, thread_id: &Id, run_id: Option<&Id>) -> Option<String> {
        self.known_thread(thread_id)?.owner(run_id)
    }

    /// The user of the last run that started on a thread.
    pub fn last_user(&self, thread_id: &Id) -> Option<String> {
        self.settings.callers.last(thread_id)?.caller.user_id.clone()
    }

    /// Stops the turn of a thread (or its run of that id only). False: there was nothing to stop.
    pub fn interrupt(&self, thread_id: &Id, run_id: Option<&Id>) -> bool {
        self.known_thread(thread_id).is_some_and(|thread| thread.stop(run_id, StopReason::Cancelled))
    }
}

/// Waits until a run that is next has started, which takes one sync; false: something came in between, and it waits on.
async fn starts_now(ticket: &Ticket) -> bool {
    let mut start = ticket.start.clone();
    start.changed().await.is_ok() && matches!(*start.borrow(), Start::Started(_))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing is left half-done in a critical section here, so a panic elsewhere does not spoil the value.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
