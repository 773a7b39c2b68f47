//! One process of the CLI, as the rest of the bridge sees it.

use std::{
    any::Any,
    mem,
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use serde_json::{Value, json};
use tokio::{
    sync::{mpsc, oneshot, watch},
    time::Instant,
};
use tokio_util::sync::CancellationToken;

use super::{
    FRONTEND_SERVER,
    actor::{Actor, Command, Order, Report},
    between::Told,
    config::ClaudeConfig,
    idle::Threads,
    launch::{self, Start},
    ledger::Ledger,
    mcp_file,
    outcome::{self, Death},
    policy::OpenCall,
    session::Session,
    sessions::Sessions,
    untold::Untold,
};
use crate::{
    agui::{Id, Tool},
    bridge::{FailureKind, SessionSpec},
    host::AgentHost,
};

/// What all processes of a bridge share.
pub(crate) struct Shared {
    pub(crate) config: ClaudeConfig,
    pub(crate) host: Arc<dyn AgentHost>,
    pub(crate) sessions: Sessions,
    /// What agents do beside their turns.
    pub(crate) tasks: Arc<Ledger>,
    /// Where agents without work are found.
    pub(crate) threads: Threads,
    /// Who is told of turns that an agent began by itself.
    pub(crate) wake: OnceLock<mpsc::Sender<Id>>,
    /// Cancelled when all turns are to stop.
    pub(crate) shutdown: CancellationToken,
}

/// What a process was started with.
pub(crate) struct Setup {
    shared: Arc<Shared>,
    pub(crate) spec: SessionSpec,
    /// What the thread's next turn has to tell.
    pub(crate) untold: Arc<Untold>,
    frontend: Mutex<Vec<Tool>>,
    /// How often the CLI has asked for the frontend tools.
    listings: watch::Sender<u64>,
    /// The process's way to the runner, for as long as it lives.
    _channel: Option<Box<dyn Any + Send + Sync>>,
    /// The next turn is to have another process.
    worn_out: AtomicBool,
    /// Since when the process has had nothing to do.
    idle_since: Mutex<Option<Instant>>,
}

impl Setup {
    pub(crate) fn config(&self) -> &ClaudeConfig {
        &self.shared.config
    }

    pub(crate) fn frontend_tools(&self) -> Vec<Tool> {
        self.frontend.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Lets the next turn have another process.
    pub(crate) fn wear_out(&self) {
        self.worn_out.store(true, Ordering::Relaxed);
    }

    /// Notes whether the process has something to do from now on.
    pub(crate) fn note_idle(&self, idle: bool) {
        *self.idle_since.lock().unwrap_or_else(PoisonError::into_inner) = idle.then(Instant::now);
    }

    pub(crate) fn listed(&self, server: &str) {
        if server == FRONTEND_SERVER {
            self.listings.send_modify(|count| *count += 1);
        }
    }

    /// Says that there is something for a turn that nobody asked for.
    pub(crate) fn announce(&self) {
        self.untold.due();
        self.wake();
    }

    /// Leaves what a process that is gone has not told to the next turn.
    pub(crate) fn leave(&self, told: Option<Told>) {
        if self.untold.leave(told) && !self.awaits_answers() {
            self.wake();
        }
    }

    /// Whether calls wait for an answer: then the next turn is the one that answers them.
    pub(crate) fn awaits_answers(&self) -> bool {
        self.shared.sessions.get(&self.spec.thread_id).is_some_and(|known| !known.open.is_empty())
    }

    fn wake(&self) {
        let Some(wake) = self.shared.wake.get() else {
            return;
        };
        if let Err(mpsc::error::TrySendError::Full(thread)) = wake.try_send(self.spec.thread_id.clone()) {
            let wake = wake.clone();
            tokio::spawn(async move { wake.send(thread).await });
        }
    }

    /// Notes the conversation's id. Failing that, the turn goes on: only a later restart would begin anew.
    pub(crate) async fn remember(&self, id: &str) {
        let noted = self.shared.sessions.set_id(&self.spec.thread_id, id).await;
        self.complain(noted);
    }

    /// Notes the calls that wait for an answer.
    pub(crate) async fn remember_open(&self, open: &[OpenCall]) {
        let noted = self.shared.sessions.set_open(&self.spec.thread_id, open.to_vec()).await;
        self.complain(noted);
    }

    fn complain(&self, noted: std::io::Result<()>) {
        if let Err(error) = noted {
            let thread = self.spec.thread_id.as_str();
            tracing::warn!(thread, %error, "the agent's conversation could not be noted; it is lost at the next restart");
        }
    }
}

/// Why a process did not become ready.
#[derive(Debug)]
pub(crate) struct NotReady {
    pub(crate) kind: FailureKind,
    pub(crate) message: String,
    /// The conversation to go on with does not exist.
    pub(crate) lost: bool,
}

/// Why a request of ours has no answer.
pub(crate) enum Unanswered {
    Refused(String),
    /// The process is gone.
    Gone,
}

/// A process that is ready for turns. Dropping it ends the process.
pub(crate) struct Agent {
    setup: Arc<Setup>,
    /// What it works with now.
    spec: SessionSpec,
    commands: mpsc::Sender<Command>,
    ended: watch::Receiver<Option<Arc<Death>>>,
}

impl Agent {
    /// Starts a process and waits until it is ready.
    pub(crate) async fn start(
        shared: &Arc<Shared>,
        untold: &Arc<Untold>,
        spec: SessionSpec,
        resume: Option<&str>,
    ) -> Result<Self, NotReady> {
        let mcp = mcp_file::write(shared, &spec).await.map_err(not_ready)?;
        let start = Start { resume, mcp: mcp.as_deref() };
        let started = Self::with_servers(shared, Arc::clone(untold), spec.clone(), start).await;
        if let Some(file) = mcp {
            mcp_file::remove(shared, &spec, file).await;
        }
        started
    }

    async fn with_servers(
        shared: &Arc<Shared>,
        untold: Arc<Untold>,
        spec: SessionSpec,
        start: Start<'_>,
    ) -> Result<Self, NotReady> {
        let mut process = launch::process(&shared.config, &spec, start);
        let channels = shared.config.channels.as_deref();
        let channel = channels.map(|channels| channels.open(&spec.thread_id, spec.user.as_deref(), &mut process.env));
        let process = shared.host.start(process).await;
        let process = process.map_err(|error| not_ready(error.to_string()))?;
        let setup = Arc::new(Setup {
            shared: Arc::clone(shared),
            untold,
            frontend: Mutex::new(spec.frontend_tools.clone()),
            listings: watch::Sender::new(0),
            _channel: channel,
            worn_out: AtomicBool::new(false),
            idle_since: Mutex::default(),
            spec: spec.clone(),
        });
        let (commands, orders) = mpsc::channel(4);
        let (tell, ended) = watch::channel(None);
        let session =
            Session::new(start.resume.map(str::to_owned)).noting(spec.thread_id.clone(), Arc::clone(&shared.tasks));
        let ledger = (Arc::clone(&shared.tasks), spec.thread_id.clone());
        let actor = Actor::new(Arc::clone(&setup), process, session, orders);
        tokio::spawn(async move {
            let death = actor.run().await;
            ledger.0.process_ended(&ledger.1);
            tell.send_replace(Some(Arc::new(death)))
        });
        let mut agent = Self { setup, spec, commands, ended };
        agent.initialize().await?;
        Ok(agent)
    }

    async fn initialize(&mut self) -> Result<(), NotReady> {
        let config = self.setup.config();
        let limit = config.timing.start;
        let asked = self.request(launch::initialize(config, &self.spec));
        match tokio::time::timeout(limit, asked).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(Unanswered::Refused(why))) => Err(not_ready(format!("the agent refused to start: {why}"))),
            Ok(Err(Unanswered::Gone)) => Err(self.failed_start().await),
            Err(_) => Err(not_ready(format!("the agent was not ready within {} s of its start", limit.as_secs()))),
        }
    }

    async fn failed_start(&mut self) -> NotReady {
        let death = match self.ended.wait_for(Option::is_some).await {
            Ok(death) => death.as_deref().cloned().unwrap_or_default(),
            Err(_) => Death::default(),
        };
        let (kind, message) = outcome::not_started(&death);
        // The CLI gives no code for it, only this sentence.
        let lost = message.contains("No conversation found");
        NotReady { kind, message, lost }
    }

    /// The way to the process that does not keep it.
    pub(crate) fn weak(&self) -> mpsc::WeakSender<Command> {
        self.commands.downgrade()
    }

    /// Since when it has had nothing to do and nothing to wait for.
    pub(crate) fn idle_since(&self) -> Option<Instant> {
        *self.setup.idle_since.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn is_alive(&self) -> bool {
        self.ended.borrow().is_none() && !self.commands.is_closed()
    }

    /// Makes a running process fit a spec. False when only another process can; this one is of no use then.
    pub(crate) async fn adapt(&mut self, spec: &SessionSpec) -> bool {
        let model = mem::replace(&mut self.spec.model, spec.model.clone());
        let tools = mem::replace(&mut self.spec.frontend_tools, spec.frontend_tools.clone());
        self.spec == *spec
            && !self.setup.worn_out.load(Ordering::Relaxed)
            && (model == spec.model || self.switch_model(spec).await)
            && (tools == spec.frontend_tools || self.switch_tools(spec).await)
    }

    async fn switch_model(&self, spec: &SessionSpec) -> bool {
        let asked = self.request(json!({ "subtype": "set_model", "model": spec.model }));
        matches!(tokio::time::timeout(self.setup.config().timing.start, asked).await, Ok(Ok(_)))
    }

    /// The CLI is told that the list has changed, and asks for it.
    async fn switch_tools(&self, spec: &SessionSpec) -> bool {
        (*self.setup.frontend.lock().unwrap_or_else(PoisonError::into_inner)).clone_from(&spec.frontend_tools);
        let mut listings = self.setup.listings.subscribe();
        listings.borrow_and_update();
        let message = json!({ "jsonrpc": "2.0", "method": "notifications/tools/list_changed" });
        let told =
            self.request(json!({ "subtype": "mcp_message", "server_name": FRONTEND_SERVER, "message": message }));
        let listed = async { told.await.is_ok() && listings.changed().await.is_ok() };
        tokio::time::timeout(self.setup.config().timing.interrupt, listed).await.unwrap_or(false)
    }

    async fn request(&self, body: Value) -> Result<Value, Unanswered> {
        let (reply, answer) = oneshot::channel();
        self.commands.send(Command::Request { body, reply }).await.map_err(|_| Unanswered::Gone)?;
        answer.await.map_err(|_| Unanswered::Gone)?.map_err(Unanswered::Refused)
    }

    /// Takes a turn. Dropping the future stops the turn.
    pub(crate) async fn turn(&self, order: impl FnOnce(oneshot::Sender<Report>) -> Order) -> Report {
        let (reply, report) = oneshot::channel();
        if self.commands.send(Command::Turn(Box::new(order(reply)))).await.is_err() {
            return Report::NotTaken;
        }
        report.await.unwrap_or(Report::NotTaken)
    }

    /// Ends the process, politely first; resolves when it is gone.
    pub(crate) async fn close(mut self) {
        // A closed channel means that it is gone or going.
        self.commands.send(Command::Close).await.ok();
        self.ended.wait_for(Option::is_some).await.ok();
    }
}

fn not_ready(message: String) -> NotReady {
    NotReady { kind: FailureKind::SetupFailed, message, lost: false }
}
