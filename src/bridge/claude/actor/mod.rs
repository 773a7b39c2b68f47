//! The task that owns one process of the CLI: it reads, answers, keeps time, and notices the end.
//!
//! Reading never waits for an answer of ours, since the CLI asks us (MCP, hooks, permissions) before it answers our own
//! requests. While nobody takes a turn that the agent began by itself, its output waits in the pipe.

mod process;
mod requests;
mod turn;

use std::{collections::HashMap, sync::Arc, time::Duration};

use serde_json::Value;
use tokio::{
    net::unix::pipe,
    sync::{mpsc, oneshot},
    task::JoinHandle,
    time::Instant,
};

use super::{
    agent::Setup,
    between::Between,
    control,
    line::Lines,
    outcome::Death,
    record::Recorder,
    session::{Session, Step},
    tail::Tail,
    wire,
};
use crate::{
    agui::Event,
    host::{AgentProcess, Exit, HostError, ProcessControl},
};
use requests::Calls;
use turn::ActiveTurn;
pub(crate) use turn::{Order, Prompt, Report};

/// How many events are gathered before they are sent.
const BATCH: usize = 128;

/// How long the pipe of a process that has ended is read on.
const DRAIN: Duration = Duration::from_millis(300);

/// What the bridge asks of the task.
pub(crate) enum Command {
    /// Take a turn.
    Turn(Box<Order>),
    /// Send a control request.
    Request { body: Value, reply: oneshot::Sender<Result<Value, String>> },
    /// Send a control request that only looks: it keeps no idle process alive.
    Look { body: Value, reply: oneshot::Sender<Result<Value, String>> },
    /// End the process, politely first.
    Close,
}

/// What happens at the deadline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    /// The process was idle for long enough.
    Close,
    /// It did not obey.
    Terminate,
    /// It did not obey SIGTERM.
    Kill,
    /// Nothing more can be done.
    GiveUp,
}

/// Who waits for the answer to a request of ours.
enum Waiting {
    Caller(oneshot::Sender<Result<Value, String>>),
    /// Somebody who only looks.
    Onlooker(oneshot::Sender<Result<Value, String>>),
    /// The turn, which was asked to stop.
    Stop,
}

pub(crate) struct Actor {
    setup: Arc<Setup>,
    lines: Lines<pipe::Receiver>,
    /// Closed by dropping it.
    stdin: Option<mpsc::Sender<Vec<u8>>>,
    process: Arc<dyn ProcessControl>,
    exiting: JoinHandle<Result<Exit, HostError>>,
    exit: Option<Exit>,
    /// Stdout has ended.
    silent: bool,
    /// The process has been asked to end.
    closing: bool,
    stderr: Tail,
    commands: mpsc::Receiver<Command>,
    session: Session,
    turn: Option<ActiveTurn>,
    /// What waits for the next turn.
    between: Between,
    /// When a background task's end gets a turn of its own.
    silence: Option<Instant>,
    waiting: HashMap<String, Waiting>,
    requests: u64,
    calls: Calls,
    deadline: Option<(Instant, Next)>,
    events: Vec<Event>,
    recorder: Option<Recorder>,
}

impl Actor {
    pub(crate) fn new(
        setup: Arc<Setup>,
        process: AgentProcess,
        session: Session,
        commands: mpsc::Receiver<Command>,
    ) -> Self {
        let control: Arc<dyn ProcessControl> = process.control.into();
        let waiter = Arc::clone(&control);
        let recorder = Recorder::open(setup.config().record.as_deref(), &setup.spec.thread_id);
        Self {
            lines: Lines::new(process.stdout),
            stdin: Some(process::writer(process.stdin)),
            exiting: tokio::spawn(async move { waiter.wait().await }),
            process: control,
            exit: None,
            silent: false,
            closing: false,
            stderr: Tail::of(process.stderr),
            commands,
            session,
            turn: None,
            between: Between::default(),
            silence: None,
            waiting: HashMap::new(),
            requests: 0,
            calls: Calls::default(),
            deadline: None,
            events: Vec::new(),
            recorder,
            setup,
        }
    }

    /// Runs until the process is gone; returns what it left behind.
    pub(crate) async fn run(mut self) -> Death {
        while !self.is_over() {
            self.read().await;
            self.step().await;
        }
        self.died().await
    }

    fn is_over(&self) -> bool {
        self.silent && self.exit.is_some()
    }

    /// Waits for whatever comes first, and does it.
    async fn step(&mut self) {
        let reading = self.reads() && !self.silent;
        tokio::select! {
            more = self.lines.fill(), if reading => self.silent = !more.unwrap_or(false),
            command = self.commands.recv(), if !self.closing => match command {
                Some(command) => self.command(command).await,
                None => self.close(),
            },
            exit = &mut self.exiting, if self.exit.is_none() => self.exited(exit.ok().and_then(Result::ok)),
            answered = self.calls.next() => self.answered(answered),
            () = turn::unwanted(self.turn.as_mut()) => self.stop(super::outcome::Verdict::Interrupted),
            () = until(self.deadline.map(|(at, _)| at)) => self.expire(),
            () = until(self.silence), if !self.closing => self.tell_silent_end(),
        }
        if self.silent && self.exit.is_none() && !self.closing {
            self.close();
        }
    }

    /// Whether the output is read. A turn that nobody has taken waits in the pipe, unless we wait for an answer ourselves:
    /// a process that goes on with a conversation may begin one before it says that it is ready.
    fn reads(&self) -> bool {
        !self.between.is_held() || (!self.waiting.is_empty() && self.between.has_room())
    }

    /// Handles every whole line that has been read.
    async fn read(&mut self) {
        while self.reads()
            && let Some(line) = self.lines.buffered()
        {
            if let Some(recorder) = &mut self.recorder {
                recorder.line(line);
            }
            if self.between.is_held() && !wire::is_between_processes(line) {
                self.between.hold(line);
                continue;
            }
            let step = self.session.line(line, &mut self.events);
            self.between.keep(line, &step, self.closing);
            self.act(step).await;
            if self.events.len() >= BATCH {
                self.flush().await;
            }
        }
        self.flush().await;
    }

    async fn command(&mut self, command: Command) {
        match command {
            Command::Turn(order) => self.begin(*order).await,
            Command::Request { body, reply } => self.request(&body, Waiting::Caller(reply)),
            Command::Look { body, reply } => self.request(&body, Waiting::Onlooker(reply)),
            Command::Close => {
                self.stop_unless_stopped();
                self.close();
            }
        }
    }

    async fn act(&mut self, step: Step) {
        match step {
            Step::Nothing => {}
            Step::Keep => self.rest(),
            Step::KeepEnd => {
                self.silence.get_or_insert(Instant::now() + self.setup.config().timing.follow_up);
                self.rest();
            }
            // A process that is told to end, or has, will not finish it.
            Step::Began if self.closing => {}
            Step::Began => {
                self.setup.note_idle(false);
                self.deadline = None;
                self.silence = None;
                self.setup.announce();
            }
            Step::Asked { id, request } => self.asked(&id, &request),
            Step::Withdrawn { id } => self.calls.abort(&id),
            Step::Replied { id, reply } => self.replied(&id, reply).await,
            Step::Named(id) => self.setup.remember(&id).await,
            Step::Retrying { status, delay_ms } => self.judge_retry(status, delay_ms),
            Step::Over => self.finish().await,
        }
    }

    async fn replied(&mut self, id: &str, reply: Result<Value, String>) {
        match self.waiting.remove(id) {
            Some(Waiting::Caller(caller)) => {
                // Whoever asked may have lost patience.
                caller.send(reply).ok();
                self.rest();
            }
            Some(Waiting::Onlooker(onlooker)) => {
                onlooker.send(reply).ok();
                // A turn that ended meanwhile found somebody waiting.
                if self.deadline.is_none() {
                    self.rest();
                }
            }
            Some(Waiting::Stop) => self.stop_answered(reply).await,
            None => {}
        }
    }

    /// Sends a request of ours.
    fn request(&mut self, body: &Value, waiting: Waiting) {
        self.requests += 1;
        let id = format!("ambient-{}", self.requests);
        self.write(control::request(&id, body));
        self.waiting.insert(id, waiting);
    }

    /// Writes a line. A process that is gone does not get it, and its end tells why; one that asks and asks without
    /// reading the answers is ended.
    fn write(&mut self, line: Vec<u8>) {
        let sent = self.stdin.as_ref().map(|stdin| stdin.try_send(line));
        if matches!(sent, Some(Err(mpsc::error::TrySendError::Full(_)))) {
            self.deadline = Some((Instant::now(), Next::Kill));
        }
    }
}

async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}
