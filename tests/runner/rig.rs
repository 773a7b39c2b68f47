//! A runner of the test's own, and a client for it.

use std::{
    fs,
    io::{BufRead, BufReader, Read},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use ambient::agui::{
    Event, EventKind, Id, Verifier,
    sse::{Frame, Parser},
};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::fake_claude::fake_claude;

/// Nothing here takes longer, but on a machine that does much else.
pub(crate) const SOON: Duration = Duration::from_mins(1);

/// The thread that tests use.
pub(crate) const THREAD: &str = "s1";

/// The directories of a session; they outlive its runners.
pub(crate) struct Session {
    dir: TempDir,
    env: Vec<(String, String)>,
}

impl Session {
    pub(crate) fn new() -> Self {
        let dir = TempDir::new().unwrap();
        Self { dir, env: Vec::new() }
    }

    /// One more variable for the runners of this session.
    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Variables for the agent CLI itself, which gets none of the runner's: a script in front of it sets them.
    pub(crate) fn agent_env(self, script: &str) -> Self {
        let path = self.dir.path().join("agent.sh");
        let text = format!("#!/bin/sh\n{script}\nexec {} \"$@\"\n", fake_claude().display());
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        let path = path.display().to_string();
        self.env("AMBIENT_AGENT_COMMAND", &path)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ambient"));
        command
            .arg("runner")
            .env_clear()
            .env("PATH", std::env::var("PATH").unwrap())
            .env("HOME", self.dir.path())
            .env("AGUI_PORT", "0")
            .env("SESSION_ID", THREAD)
            .env("WORKSPACE_PATH", self.path("ws"))
            .env("AMBIENT_DATA_DIR", self.path("data"))
            .env("AMBIENT_AGENT_COMMAND", fake_claude())
            .env("ANTHROPIC_API_KEY", "test-key-of-no-value")
            .envs(self.env.iter().map(|(name, value)| (name, value)))
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        command
    }

    pub(crate) fn start(&self) -> Runner {
        let mut child = self.command().spawn().unwrap();
        let (tell, told) = mpsc::channel();
        let stderr = child.stderr.take().unwrap();
        let log = thread::spawn(move || read_log(stderr, &tell));
        let address = told.recv_timeout(SOON).expect("the runner says where it listens");
        Runner { child, url: format!("http://{address}"), log: Some(log) }
    }

    /// Runs a runner that ends by itself.
    pub(crate) fn refuse(&self) -> (Option<i32>, String) {
        let output = self.command().output().unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    }

    /// Everything the session's event log holds, as text.
    pub(crate) fn log_text(&self) -> String {
        let mut text = String::new();
        read_all(&self.path("data"), &mut text);
        text
    }
}

fn read_all(path: &Path, text: &mut String) {
    for entry in fs::read_dir(path).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            read_all(&path, text);
        } else {
            text.push_str(&String::from_utf8_lossy(&fs::read(&path).unwrap_or_default()));
        }
    }
}

fn read_log(stderr: impl Read, tell: &mpsc::Sender<String>) -> String {
    let mut all = String::new();
    for line in BufReader::new(stderr).lines().map_while(Result::ok) {
        let address = line.split_once("listening address=").map(|(_, rest)| rest);
        if let Some(address) = address.and_then(|rest| rest.split_whitespace().next()) {
            let _ = tell.send(address.to_owned());
        }
        all.push_str(&line);
        all.push('\n');
    }
    all
}

/// A running runner; killed when dropped.
pub(crate) struct Runner {
    child: Child,
    pub(crate) url: String,
    log: Option<thread::JoinHandle<String>>,
}

impl Drop for Runner {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Runner {
    #[allow(dead_code, reason = "other test binaries use it")]
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub(crate) fn terminate(&self) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    }

    /// Waits for the end; the status, how long it took, and what was logged.
    pub(crate) fn end(mut self) -> (ExitStatus, Duration, String) {
        let began = Instant::now();
        let status = self.child.wait().unwrap();
        let log = self.log.take().unwrap().join().unwrap();
        (status, began.elapsed(), log)
    }

    pub(crate) async fn get(&self, path: &str) -> reqwest::Response {
        client().get(format!("{}{path}", self.url)).send().await.unwrap()
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> reqwest::Response {
        let url = format!("{}{path}", self.url);
        client().post(url).json(body).send().await.unwrap()
    }

    /// Starts a run and returns its stream.
    pub(crate) async fn begin(&self, run: &str, prompt: &str) -> Stream {
        let response = self.post("/run", &input(run, prompt)).await;
        assert_eq!(response.status(), 200, "{run}");
        Stream::of(response)
    }

    /// Runs a run to its end.
    pub(crate) async fn run(&self, run: &str, prompt: &str) -> Vec<Event> {
        self.begin(run, prompt).await.rest().await
    }
}

/// A client that gives up instead of waiting for ever.
pub(crate) fn client() -> reqwest::Client {
    reqwest::Client::builder().timeout(SOON).build().unwrap()
}

pub(crate) fn input(run: &str, prompt: &str) -> Value {
    json!({
        "threadId": THREAD, "runId": run,
        "messages": [{"id": format!("{run}-message"), "role": "user", "content": prompt}],
    })
}

/// An SSE stream under way.
pub(crate) struct Stream {
    response: reqwest::Response,
    parser: Parser,
    ready: Vec<Frame>,
    pub(crate) raw: String,
}

impl Stream {
    pub(crate) fn of(response: reqwest::Response) -> Self {
        Self { response, parser: Parser::new(), ready: Vec::new(), raw: String::new() }
    }

    /// The next piece of the body; none at its end.
    pub(crate) async fn piece(&mut self) -> bool {
        let Some(bytes) = self.response.chunk().await.unwrap() else {
            return false;
        };
        self.raw.push_str(&String::from_utf8_lossy(&bytes));
        self.parser.push(&bytes, &mut self.ready).unwrap();
        true
    }

    /// Reads on until an event is one that is looked for; returns everything up to and with it.
    pub(crate) async fn until(&mut self, wanted: impl Fn(&EventKind) -> bool) -> Vec<Event> {
        let mut seen = Vec::new();
        loop {
            while !self.ready.is_empty() {
                let event = event(&self.ready.remove(0));
                let found = wanted(&event.kind);
                seen.push(event);
                if found {
                    return seen;
                }
            }
            assert!(self.piece().await, "the stream ended before: {:?}", seen.last());
        }
    }

    /// Reads to the end.
    pub(crate) async fn rest(mut self) -> Vec<Event> {
        while self.piece().await {}
        self.ready.iter().map(event).collect()
    }

    /// Reads to the end; the body as it came, without heartbeats.
    pub(crate) async fn bytes(mut self) -> String {
        while self.piece().await {}
        self.raw
    }

    /// Reads to the end; ids and events.
    pub(crate) async fn frames(mut self) -> Vec<(u64, Event)> {
        while self.piece().await {}
        self.seen()
    }

    /// What has come and was not looked at yet; ids and events.
    pub(crate) fn seen(&self) -> Vec<(u64, Event)> {
        let id = |frame: &Frame| frame.id.as_deref().and_then(|id| id.parse().ok()).unwrap_or(0);
        self.ready.iter().map(|frame| (id(frame), event(frame))).collect()
    }
}

fn event(frame: &Frame) -> Event {
    serde_json::from_slice(&frame.data).unwrap()
}

/// Checks a stream of whole runs against the protocol's rules.
pub(crate) fn valid(events: &[Event]) {
    let mut verifier = Verifier::new(Id::from(THREAD));
    for event in events {
        verifier.check(event).unwrap();
    }
    verifier.finish().unwrap();
}

/// All text of the assistant.
pub(crate) fn text(events: &[Event]) -> String {
    let delta = |event: &Event| match &event.kind {
        EventKind::TextMessageContent { delta, message_id } if !message_id.contains("-setup-") => Some(delta.clone()),
        _ => None,
    };
    events.iter().filter_map(delta).collect()
}

/// The value of `ambient:outcome`.
pub(crate) fn outcome(events: &[Event]) -> Value {
    let value = |event: &Event| match &event.kind {
        EventKind::Custom { name, value } if name == "ambient:outcome" => Some(value.clone()),
        _ => None,
    };
    let found: Vec<Value> = events.iter().filter_map(value).collect();
    assert_eq!(found.len(), 1, "one outcome a run: {events:?}");
    found[0].clone()
}

pub(crate) fn is_text(kind: &EventKind) -> bool {
    matches!(kind, EventKind::TextMessageContent { message_id, .. } if !message_id.contains("-setup-"))
}

pub(crate) fn error_code(events: &[Event]) -> Option<&str> {
    match &events.last()?.kind {
        EventKind::RunError { code, .. } => code.as_deref(),
        _ => None,
    }
}
