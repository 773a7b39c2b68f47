//! The tail of one runner's log.

use std::{collections::HashMap, sync::Arc, time::Duration};

use tokio::{
    sync::{Notify, oneshot, watch},
    time::{Instant, timeout, timeout_at},
};
use tokio_util::sync::CancellationToken;

use super::{
    Begun, Source, ToBegun,
    lines::{Line, LineError, Lines},
};
use crate::{
    agui::{EventKind, Id, RunAgentInput},
    eventlog::{LogError, Seq},
    operator::{
        error::OperatorError,
        history::History,
        keeping::{Keeping, Later},
    },
};

/// The header with the token.
const TOKEN: &str = "x-ambient-session-token";
/// How soon the runner is told what is kept.
const SOON: Duration = Duration::from_millis(500);
/// How long a stream may be silent: the runner says every 15 s that it lives.
const SILENCE: Duration = Duration::from_mins(1);
/// How long a runner may take to answer.
const ANSWER: Duration = Duration::from_secs(30);
/// The pauses between attempts: the first, and the longest. Whoever learns that the pod has changed has it tried at once.
const PAUSE: (Duration, Duration) = (Duration::from_millis(100), Duration::from_mins(1));
/// How long what a pod wrote may be on its way when the pod is gone.
const REST: Duration = Duration::from_secs(3);

/// Why a tail broke off. All of it is tried again.
#[derive(Debug, thiserror::Error)]
enum TailError {
    #[error("the runner cannot be read: {0}")]
    Http(#[from] reqwest::Error),
    #[error("the runner is silent")]
    Silent,
    #[error(transparent)]
    Line(#[from] LineError),
    #[error("a run has no Run yet: {0}")]
    Adoption(#[from] OperatorError),
    /// The operator ends.
    #[error("nobody makes Runs any more")]
    Ending,
    #[error(transparent)]
    Log(#[from] LogError),
}

/// A tail and what it has brought.
pub(super) struct Work {
    history: Arc<History>,
    http: reqwest::Client,
    begun: ToBegun,
    source: Source,
    logs: HashMap<Id, Keeping>,
    /// Threads with records that the runner does not know to be kept, and the last of these.
    unsaid: HashMap<Id, Seq>,
    /// What the runner was told.
    said: HashMap<Id, Seq>,
    connected: watch::Sender<bool>,
}

impl Work {
    pub(super) fn new(
        history: Arc<History>,
        http: reqwest::Client,
        begun: ToBegun,
        source: Source,
        connected: watch::Sender<bool>,
    ) -> Self {
        Self {
            history,
            http,
            begun,
            source,
            logs: HashMap::new(),
            unsaid: HashMap::new(),
            said: HashMap::new(),
            connected,
        }
    }

    /// Until the pod is gone; what breaks off is begun again.
    pub(super) async fn run(mut self, again: Arc<Notify>, gone: CancellationToken) {
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
                self.complain(&error);
            }
            self.connected.send_replace(false);
            // Somebody who knows of something new is not kept waiting.
            tokio::select! {
                _ = timeout(pause, again.notified()) => {}
                () = gone.cancelled() => {}
            }
            pause = (pause * 3).min(PAUSE.1);
        }
    }

    /// A runner that goes away is nothing new; the rest is for a person to know.
    fn complain(&self, error: &TailError) {
        let (session, namespace) = (&self.source.of.name, &self.source.of.namespace);
        match error {
            TailError::Http(_) | TailError::Silent | TailError::Ending => {
                tracing::debug!(%session, %namespace, %error, "a tail broke off");
            }
            TailError::Line(_) | TailError::Adoption(_) | TailError::Log(_) => {
                tracing::warn!(%session, %namespace, %error, "what a runner says is not kept, and is asked for again");
            }
        }
    }

    async fn listen(&mut self, pause: &mut Duration) -> Result<(), TailError> {
        let after = self.history.cursors(&self.source.session)?;
        let body = serde_json::json!({ "after": after }).to_string();
        let request = self.request("/log/tail", body);
        let mut response = timeout(ANSWER, request.send()).await.map_err(|_| TailError::Silent)??.error_for_status()?;
        *pause = PAUSE.0;
        self.connected.send_replace(true);
        let mut lines = Lines::default();
        let (mut say_at, mut heard) = (Instant::now() + SOON, Instant::now());
        loop {
            let patience = if self.unsaid.is_empty() { Instant::now() + SILENCE } else { say_at };
            match timeout_at(patience, response.chunk()).await {
                Ok(chunk) => match chunk? {
                    Some(chunk) => {
                        heard = Instant::now();
                        self.feed(&mut lines, &chunk).await?;
                    }
                    None => return self.say_all().await,
                },
                // What an archive does not take is unsaid for long.
                Err(_) if heard.elapsed() >= SILENCE => return Err(TailError::Silent),
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
    async fn feed(&mut self, lines: &mut Lines, mut piece: &[u8]) -> Result<(), TailError> {
        while let Some(line) = lines.next(&mut piece)? {
            self.take(line).await?;
        }
        Ok(())
    }

    async fn take(&mut self, Line { thread, record }: Line) -> Result<(), TailError> {
        let log = self.log(&thread)?.log;
        if record.seq > log.last_seq()
            && let EventKind::RunStarted { input, .. } = &record.event.kind
        {
            self.announce(&thread, &record.run_id, input.clone()).await?;
        }
        let kept = if log.copy(&record)? { record.seq } else { 0 };
        let unsaid = self.unsaid.entry(thread).or_default();
        *unsaid = kept.max(*unsaid);
        Ok(())
    }

    fn log(&mut self, thread: &Id) -> Result<Keeping, LogError> {
        if let Some(log) = self.logs.get(thread) {
            return Ok(log.clone());
        }
        let log = self.history.keeping(&self.source.of, &self.source.session, thread)?;
        self.logs.insert(thread.clone(), log.clone());
        Ok(log)
    }

    /// Waits until there is a Run of a run: what is kept is seen by kubectl too, also after a crash between the two.
    async fn announce(&self, thread: &Id, run: &Id, input: Option<Box<RunAgentInput>>) -> Result<(), TailError> {
        let (done, made) = oneshot::channel();
        let begun = Begun { source: self.source.clone(), thread: thread.clone(), run: run.clone(), input, done };
        self.begun.send(begun).map_err(|_| TailError::Ending)?;
        Ok(made.await.map_err(|_| TailError::Ending)??)
    }

    /// Tells the runner what cannot be lost any more.
    async fn say(&mut self) -> Result<(), TailError> {
        let mut kept: HashMap<Id, Seq> = HashMap::new();
        for (thread, seq) in &self.unsaid {
            if let Some(log) = self.logs.get(thread) {
                let safe = log.safe().await?;
                // What waits for an archive is told as far as that has got.
                if safe >= *seq || self.said.get(thread) < Some(&safe) {
                    kept.insert(thread.clone(), safe);
                }
            }
        }
        if kept.is_empty() {
            return Ok(());
        }
        let body = serde_json::to_string(&kept).unwrap_or_default();
        self.request("/log/ack", body).timeout(ANSWER).send().await?.error_for_status()?;
        self.unsaid.retain(|thread, seq| kept.get(thread).is_none_or(|safe| *safe < *seq));
        self.said.extend(kept);
        Ok(())
    }

    /// Tells a runner that says nothing more the rest, if an archive takes it in time.
    async fn say_all(&mut self) -> Result<(), TailError> {
        let rest = self.unsaid.iter().filter_map(|(thread, seq)| self.logs.get(thread)?.clone().later(*seq));
        let rest: Vec<Later> = rest.collect();
        let uploaded = async {
            for later in rest {
                later.comes().await;
            }
        };
        // Whoever runs out of patience says what there is.
        let _ = timeout(ANSWER, uploaded).await;
        self.say().await
    }
}
