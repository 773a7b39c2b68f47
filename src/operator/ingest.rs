//! One tail for each session whose pod is there: what its runner writes is kept here, and the runner is told so.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use serde::Deserialize;
use tokio::{
    sync::{Notify, watch},
    task::AbortHandle,
    time::{Instant, timeout, timeout_at},
};
use tokio_util::sync::CancellationToken;

use super::history::{History, Kept, Taken, take};
use crate::{
    agui::{Event, EventKind, Id, RunAgentInput},
    eventlog::{LogError, Record, Seq, ThreadLog},
    security::Secret,
};

/// The header with the token.
const TOKEN: &str = "x-ambient-session-token";
/// How soon the runner is told what is kept.
const SOON: Duration = Duration::from_millis(500);
/// How long a stream may be silent: the runner says every 15 s that it lives.
const SILENCE: Duration = Duration::from_mins(1);
/// How long a runner may take to answer.
const ANSWER: Duration = Duration::from_secs(30);
/// The pauses between attempts: the first, and the longest.
const PAUSE: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(30));
/// How long what a pod wrote may be on its way when the pod is gone.
const REST: Duration = Duration::from_secs(3);
/// A line longer than this is no record: an event is smaller by far.
const MAX_LINE: usize = 64 * 1024 * 1024;

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

/// A run that has begun and that this process sees for the first time.
#[derive(Debug)]
pub(super) struct Begun {
    pub(super) source: Source,
    pub(super) thread: Id,
    pub(super) run: Id,
    pub(super) input: Option<Box<RunAgentInput>>,
}

/// Told of every run that begins.
pub(super) type OnBegun = Arc<dyn Fn(Begun) + Send + Sync>;

/// The tails, by session UID.
pub(super) struct Ingest {
    history: Arc<History>,
    http: reqwest::Client,
    begun: OnBegun,
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
    pub(super) fn new(history: Arc<History>, http: reqwest::Client, begun: OnBegun) -> Self {
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
        let work = Work {
            history: Arc::clone(&self.history),
            http: self.http.clone(),
            begun: Arc::clone(&self.begun),
            source,
            logs: HashMap::new(),
            unsaid: HashSet::new(),
            connected: tell,
        };
        let task = tokio::spawn(work.run(Arc::clone(&again), gone.clone())).abort_handle();
        tails.insert(uid, Tail { pod, url, task, again, gone, connected });
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

/// Why a tail broke off. All of it is tried again.
#[derive(Debug, thiserror::Error)]
enum TailError {
    #[error("the runner cannot be read: {0}")]
    Http(#[from] reqwest::Error),
    #[error("the runner is silent")]
    Silent,
    #[error(transparent)]
    Log(#[from] LogError),
}

struct Work {
    history: Arc<History>,
    http: reqwest::Client,
    begun: OnBegun,
    source: Source,
    logs: HashMap<Id, ThreadLog>,
    /// Threads with records that the runner does not know to be kept.
    unsaid: HashSet<Id>,
    connected: watch::Sender<bool>,
}

/// A line of the tail.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Line {
    thread: Id,
    seq: Seq,
    run_id: Id,
    at: i64,
    event: Event,
}

impl Work {
    async fn run(mut self, again: Arc<Notify>, gone: CancellationToken) {
        let mut pause = PAUSE.0;
        let late = async {
            gone.cancelled().await;
            tokio::time::sleep(REST).await;
        };
        tokio::pin!(late);
        while !gone.is_cancelled() {
            let listened = tokio::select! {
                listened = self.listen(&mut pause) => listened,
                () = &mut late => return,
            };
            if let Err(error) = listened {
                tracing::debug!(session = %self.source.of.name, namespace = %self.source.of.namespace, %error, "a tail broke off");
            }
            self.connected.send_replace(false);
            // Somebody who knows of something new is not kept waiting.
            tokio::select! {
                _ = timeout(pause, again.notified()) => {}
                () = gone.cancelled() => {}
            }
            pause = (pause * 2).min(PAUSE.1);
        }
    }

    async fn listen(&mut self, pause: &mut Duration) -> Result<(), TailError> {
        let after = self.history.cursors(&self.source.session)?;
        let body = serde_json::json!({ "after": after }).to_string();
        let request = self.request("/log/tail", body);
        let mut response = timeout(ANSWER, request.send()).await.map_err(|_| TailError::Silent)??.error_for_status()?;
        *pause = PAUSE.0;
        self.connected.send_replace(true);
        let mut line = Vec::new();
        let mut say_at = Instant::now() + SOON;
        loop {
            let patience = if self.unsaid.is_empty() { Instant::now() + SILENCE } else { say_at };
            match timeout_at(patience, response.chunk()).await {
                Ok(chunk) => match chunk? {
                    Some(chunk) => self.feed(&mut line, &chunk)?,
                    None => return self.say().await,
                },
                Err(_) if self.unsaid.is_empty() => return Err(TailError::Silent),
                Err(_) => {}
            }
            if !self.unsaid.is_empty() && Instant::now() >= say_at {
                self.say().await?;
                say_at = Instant::now() + SOON;
            }
        }
    }

    fn request(&self, path: &str, body: String) -> reqwest::RequestBuilder {
        let request = self.http.post(format!("{}{path}", self.source.url));
        request.header(TOKEN, self.source.token.expose()).header("content-type", "application/json").body(body)
    }

    /// Takes the lines that a piece completes.
    fn feed(&mut self, line: &mut Vec<u8>, piece: &[u8]) -> Result<(), LogError> {
        let mut rest = piece;
        while let Some(end) = memchr::memchr(b'\n', rest) {
            line.extend_from_slice(&rest[..end]);
            if let Ok(parsed) = serde_json::from_slice::<Line>(line) {
                self.take(parsed)?;
            }
            line.clear();
            rest = &rest[end + 1..];
        }
        if line.len() + rest.len() <= MAX_LINE {
            line.extend_from_slice(rest);
        }
        Ok(())
    }

    fn take(&mut self, Line { thread, seq, run_id, at, event }: Line) -> Result<(), LogError> {
        let log = match self.logs.get(&thread) {
            Some(log) => log.clone(),
            None => self.history.log(&self.source.of, &self.source.session, &thread)?,
        };
        let record = Record { seq, run_id, at, event };
        let taken = take(&log, &record)?;
        self.logs.entry(thread.clone()).or_insert(log);
        self.unsaid.insert(thread.clone());
        if let (Taken::New, EventKind::RunStarted { input, .. }) = (taken, record.event.kind) {
            (self.begun)(Begun { source: self.source.clone(), thread, run: record.run_id, input });
        }
        Ok(())
    }

    /// Tells the runner what is on disk here.
    async fn say(&mut self) -> Result<(), TailError> {
        let mut kept: HashMap<&Id, Seq> = HashMap::new();
        for thread in &self.unsaid {
            if let Some(log) = self.logs.get(thread) {
                let last = log.last_seq();
                log.sync().await?;
                kept.insert(thread, last);
            }
        }
        let body = serde_json::to_string(&kept).unwrap_or_default();
        self.request("/log/ack", body).timeout(ANSWER).send().await?.error_for_status()?;
        self.unsaid.clear();
        Ok(())
    }
}
