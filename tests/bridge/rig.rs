//! A bridge with its model and its host, and what its turns give.

use std::{
    collections::BTreeMap,
    env,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use ambient::{
    agui::{ContentPart, Event, Id},
    bridge::{
        Answer, Bridge, Secrets, SessionSpec, Turn, TurnEnd, TurnInput,
        claude::{ClaudeBridge, ClaudeConfig},
    },
    host::{AgentHost, local::LocalHost, socket::SocketHost, supervisor::Supervisor},
};
use serde_json::Value;
use tempfile::TempDir;
use tokio::{sync::mpsc, task::JoinSet};
use tokio_util::sync::CancellationToken;

pub(crate) use crate::took::Took;
use crate::{
    claude::claude,
    clients::{Taken, Turns},
    model::Model,
    turn::session,
};

/// No wait of a test is longer.
pub(crate) const DEADLINE: Duration = Duration::from_mins(2);

/// What takes an instant, on a machine that does much else. (An agent that does not obey is given 3 s.)
pub(crate) const SOON: Duration = Duration::from_secs(10);

/// Where agents are started.
pub(crate) struct Place {
    cli: PathBuf,
    host: Arc<dyn AgentHost>,
    dir: TempDir,
    turns: Turns,
    /// The supervisor, while it is needed.
    _supervisor: JoinSet<std::io::Result<()>>,
}

impl Place {
    /// A path in the place's own directory.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }
}

/// Plays a row at a place, and shows its turns to the clients of a runner.
pub(crate) async fn on<F: Future<Output = ()>>(place: Option<Place>, row: impl FnOnce(Place) -> F) {
    if let Some(place) = place {
        let turns = place.turns.clone();
        row(place).await;
        turns.please_every_client().await;
    }
}

/// Agents as children of the test. None, with a word, where there is no CLI; in CI that fails.
pub(crate) fn local() -> Option<Place> {
    let dir = TempDir::new().unwrap();
    Some(Place {
        cli: claude()?,
        host: Arc::new(LocalHost::new()),
        dir,
        turns: Turns::default(),
        _supervisor: JoinSet::new(),
    })
}

/// Agents behind a supervisor.
pub(crate) async fn socket() -> Option<Place> {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join(".sock");
    let supervisor = Supervisor::bind(&path).await.unwrap();
    let mut serving = JoinSet::new();
    serving.spawn(supervisor.serve(CancellationToken::new()));
    let host = Arc::new(SocketHost::new(&path));
    Some(Place { cli: claude()?, host, dir, turns: Turns::default(), _supervisor: serving })
}

/// A bridge and everything around it.
pub(crate) struct Rig {
    pub(crate) model: Model,
    pub(crate) bridge: ClaudeBridge,
    pub(crate) place: Place,
    config: ClaudeConfig,
}

impl Rig {
    /// A bridge whose model follows a script.
    pub(crate) fn new(place: Place, script: &str) -> Self {
        Self::with(place, script, |_| {})
    }

    /// The same, configured.
    pub(crate) fn with(place: Place, script: &str, configure: impl FnOnce(&mut ClaudeConfig)) -> Self {
        let model = Model::start(script);
        let mut config = ClaudeConfig::new(
            &place.cli,
            place.dir.path().join("cli"),
            place.dir.path().join("data"),
            Secrets(environment(&place, &model)),
        );
        configure(&mut config);
        std::fs::create_dir_all(place.dir.path().join("work")).unwrap();
        let bridge = ClaudeBridge::new(config.clone(), Arc::clone(&place.host));
        Self { model, bridge, place, config }
    }

    /// Ends the bridge and all agents, and begins another one with what they left on disk.
    pub(crate) async fn restart(&mut self) {
        self.bridge.shutdown().await;
        self.bridge = ClaudeBridge::new(self.config.clone(), Arc::clone(&self.place.host));
    }

    pub(crate) fn dir(&self) -> &Path {
        self.place.dir.path()
    }

    pub(crate) fn work(&self) -> PathBuf {
        self.dir().join("work")
    }

    /// A session without anything special.
    pub(crate) fn spec(&self) -> SessionSpec {
        session(&self.work())
    }

    /// A person says something.
    pub(crate) async fn say(&self, text: &str) -> Took {
        self.take(self.spec(), prompt(text)).await
    }

    /// A person answers calls.
    pub(crate) async fn answer(&self, spec: SessionSpec, answers: &[(&str, Value)]) -> Took {
        let answer =
            |(id, payload): &(&str, Value)| Answer { tool_call_id: (*id).into(), payload: Some(payload.clone()) };
        let answers = answers.iter().map(answer).collect();
        self.take(spec, TurnInput::Answers { answers, then: Vec::new() }).await
    }

    /// A whole turn.
    pub(crate) async fn take(&self, session: SessionSpec, input: TurnInput) -> Took {
        let mut running = self.start(session, input);
        running.finish().await
    }

    /// A turn that is watched while it runs.
    pub(crate) fn start(&self, session: SessionSpec, input: TurnInput) -> Running<'_> {
        let (sink, events) = mpsc::channel(64);
        let interrupt = CancellationToken::new();
        let turn = Turn { run_id: Id::random(), session, input, interrupt: interrupt.clone() };
        let turns = self.place.turns.clone();
        Running {
            told: turn.clone(),
            turn: Some(self.bridge.turn(turn, sink)),
            turns,
            events,
            seen: Vec::new(),
            interrupt,
            end: None,
        }
    }
}

impl Rig {
    /// The processes that work in this rig's directory: the agent.
    fn agents(&self) -> Vec<u32> {
        let work = self.work().canonicalize().unwrap();
        let entries = std::fs::read_dir("/proc").unwrap().flatten();
        let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        pids.filter(|pid| std::fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|cwd| cwd == work)).collect()
    }

    /// The process of the only agent.
    pub(crate) fn agent_pid(&self) -> u32 {
        let agents = self.agents();
        assert_eq!(agents.len(), 1, "one agent: {agents:?}");
        agents[0]
    }

    /// Its sudden death.
    pub(crate) fn kill_agent(&self) {
        let pid = i32::try_from(self.agent_pid()).unwrap();
        let pid = rustix::process::Pid::from_raw(pid).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
    }

    /// Waits until there is no agent.
    pub(crate) async fn until_no_agent(&self) {
        let gone = async {
            while !self.agents().is_empty() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let waited = tokio::time::timeout(DEADLINE, gone).await;
        assert!(waited.is_ok(), "still there: {:?}", self.agents());
    }
}

/// The environment of the CLI: nothing of the test's own but its `PATH`.
fn environment(place: &Place, model: &Model) -> BTreeMap<String, String> {
    let home = place.dir.path().join("home");
    std::fs::create_dir_all(&home).unwrap();
    let pairs = [
        ("PATH", env::var("PATH").unwrap()),
        ("HOME", home.display().to_string()),
        ("ANTHROPIC_API_KEY", "sk-ant-scripted".to_owned()),
        ("ANTHROPIC_BASE_URL", model.url.clone()),
    ];
    pairs.map(|(name, value)| (name.to_owned(), value)).into()
}

pub(crate) fn prompt(text: &str) -> TurnInput {
    TurnInput::Prompt(vec![ContentPart::from(text)])
}

/// A turn on its way.
pub(crate) struct Running<'a> {
    told: Turn,
    turns: Turns,
    turn: Option<ambient::host::BoxFuture<'a, TurnEnd>>,
    events: mpsc::Receiver<Event>,
    pub(crate) seen: Vec<Event>,
    pub(crate) interrupt: CancellationToken,
    end: Option<TurnEnd>,
}

impl Running<'_> {
    /// Runs on until an event fits.
    pub(crate) async fn until(&mut self, what: &str, fits: impl Fn(&Event) -> bool) {
        let waiting = async {
            while let Some(event) = self.next().await {
                if fits(event) {
                    return true;
                }
            }
            false
        };
        let met = tokio::time::timeout(DEADLINE, waiting).await.unwrap_or(false);
        assert!(met, "no {what}; seen were {:#?}; the turn gave {:?}", self.seen, self.end);
    }

    async fn next(&mut self) -> Option<&Event> {
        loop {
            tokio::select! {
                biased;
                event = self.events.recv() => {
                    self.seen.push(event?);
                    return self.seen.last();
                }
                end = async { self.turn.as_mut().unwrap().await }, if self.turn.is_some() => {
                    self.end = Some(end);
                    self.turn = None;
                }
            }
        }
    }

    /// Runs to the end. Checks that the events are those of a valid run.
    pub(crate) async fn finish(&mut self) -> Took {
        let rest = async { while self.next().await.is_some() {} };
        let over = tokio::time::timeout(DEADLINE, rest).await;
        assert!(over.is_ok(), "the turn did not end; seen were {:#?}", self.seen);
        let took = Took { events: std::mem::take(&mut self.seen), end: self.end.take().expect("an end") };
        took.verify();
        let Turn { run_id, session, input, .. } = self.told.clone();
        self.turns.add(Taken { thread: session.thread_id, run: run_id, input, took: took.clone() });
        took
    }
}
