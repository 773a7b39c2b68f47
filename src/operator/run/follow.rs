//! Giving a Run to its runner, and folding what is kept of it.
//!
//! Giving is idempotent: a runner never executes a run id twice. So it is done again whenever nobody knows whether it was done.

use std::time::Duration;

use reqwest::StatusCode;
use tokio::{sync::watch, time::Instant};

use super::view::Seen;
use crate::{
    agui::{Id, RunAgentInput},
    eventlog::{Chunk, LogError},
    fold::Fold,
    operator::keeping::Keeping,
    security::Secret,
};

/// The header with the token.
const TOKEN: &str = "x-ambient-session-token";
/// How often what is going on goes into the status at most.
const PROGRESS: Duration = Duration::from_secs(10);
/// How long a runner may take to accept a Run.
const ANSWER: Duration = Duration::from_secs(30);
/// How long a runner may be out of reach before a Run that it may not have is given up.
const REACH: Duration = Duration::from_mins(10);
/// The pauses between attempts: the first, and the longest.
const PAUSE: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));

/// Where a Run goes.
#[derive(Debug, Clone)]
pub(super) struct Target {
    /// `http://IP:PORT`
    pub(super) url: String,
    pub(super) token: Secret,
    pub(super) input: RunAgentInput,
    /// What the Run asks for beside the input.
    pub(super) options: serde_json::Value,
    /// Somebody else gave it to the runner.
    pub(super) is_there: bool,
}

/// Gives the Run to its runner unless the runner has it for sure, and publishes what is kept of it until it has ended.
pub(super) async fn follow(
    http: reqwest::Client,
    target: Target,
    kept: Keeping,
    seen: watch::Sender<Seen>,
    wake: impl Fn(),
) {
    // Before the runner has it: nothing of it is missed.
    let log = &kept.log;
    let known = log.run(&target.input.run_id);
    let after = known.as_ref().map_or_else(|| log.last_seq(), |span| span.first - 1);
    if known.is_none() && !target.is_there {
        let given = tokio::time::timeout(REACH, deliver(&http, &target)).await;
        if let Some(end) = given.map_or(Some(Seen::Unreachable), |given| given.err().map(Seen::Refused)) {
            seen.send_replace(end);
            return wake();
        }
    }
    let mut tail = Tail { fold: Fold::new(), after, run: target.input.run_id, told: None, seen, wake };
    while let Err(error) = tail.listen(&kept).await {
        if matches!(error, LogError::Closed { .. }) {
            return;
        }
        tracing::warn!(run = %tail.run, %error, "what is kept of a run cannot be read and is read again");
        tokio::time::sleep(PAUSE.1).await;
    }
}

/// Until the runner has it. An error is the runner's own: it does not take this Run.
async fn deliver(http: &reqwest::Client, target: &Target) -> Result<(), String> {
    let mut pause = PAUSE.0;
    loop {
        match post(http, target, "/", &body(target)).await {
            Ok(status) if status.0.is_success() => return Ok(()),
            Ok((status, text)) if is_final(status) => return Err(text),
            Ok(_) | Err(_) => {}
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(PAUSE.1);
    }
}

fn is_final(status: StatusCode) -> bool {
    let later = [StatusCode::REQUEST_TIMEOUT, StatusCode::TOO_MANY_REQUESTS, StatusCode::UNAUTHORIZED];
    status.is_client_error() && !later.contains(&status)
}

fn body(target: &Target) -> serde_json::Value {
    let mut body = serde_json::to_value(&target.input).unwrap_or_default();
    body["ambient"] = target.options.clone();
    body
}

/// The status, and what an error says.
async fn post(
    http: &reqwest::Client,
    target: &Target,
    path: &str,
    body: &serde_json::Value,
) -> reqwest::Result<(StatusCode, String)> {
    let request = http.post(format!("{}{path}", target.url)).header(TOKEN, target.token.expose());
    let request = request.header("content-type", "application/json").body(body.to_string()).timeout(ANSWER);
    let response = request.send().await?;
    let status = response.status();
    // The stream of a Run that was accepted is read elsewhere.
    let text = if status.is_success() { String::new() } else { response.text().await? };
    Ok((status, detail(&text)))
}

/// What `{"detail": …}` says.
fn detail(text: &str) -> String {
    let parsed: Option<serde_json::Value> = serde_json::from_str(text).ok();
    let detail = parsed.as_ref().map(|body| &body["detail"]);
    let said = detail.map(|detail| detail.as_str().map_or_else(|| detail.to_string(), str::to_owned));
    said.unwrap_or_else(|| text.chars().take(200).collect())
}

/// Interrupts the turn of the Run's thread. Says whether the runner did: one that has not heard of the thread yet cannot.
pub(super) async fn interrupt(http: &reqwest::Client, target: &Target) -> bool {
    let body = serde_json::json!({ "threadId": target.input.thread_id });
    let answer = post(http, target, "/interrupt", &body).await;
    answer.is_ok_and(|(status, _)| status.is_success())
}

/// The events of one Run out of those of its thread.
struct Tail<W> {
    fold: Fold,
    after: u64,
    run: Id,
    told: Option<Instant>,
    seen: watch::Sender<Seen>,
    wake: W,
}

impl<W: Fn()> Tail<W> {
    /// Takes the thread's events from where it was until the Run is over.
    async fn listen(&mut self, kept: &Keeping) -> Result<(), LogError> {
        let log = &kept.log;
        let mut reader = log.reader(self.after.max(log.first_seq().saturating_sub(1)));
        let mut dirty = false;
        while !self.fold.is_over() {
            let tell_at = self.told.map_or_else(Instant::now, |told| told + PROGRESS);
            tokio::select! {
                biased;
                chunk = reader.next() => dirty |= self.take(&chunk?),
                () = tokio::time::sleep_until(tell_at), if dirty => {
                    self.tell();
                    dirty = false;
                }
            }
        }
        // The end is told when it cannot be lost any more.
        kept.end_is_safe(&self.run).await?;
        self.tell();
        Ok(())
    }

    /// Whether some of the records are of the Run.
    fn take(&mut self, chunk: &Chunk) -> bool {
        let mut ours = false;
        for record in chunk.records().filter(|record| *record.run_id() == self.run) {
            if let Ok(event) = record.event() {
                self.fold.apply(record.seq(), record.at(), &event);
                ours = true;
            }
        }
        self.after = chunk.last;
        ours
    }

    fn tell(&mut self) {
        self.told = Some(Instant::now());
        self.seen.send_replace(Seen::Events(Box::new(self.fold.status())));
        (self.wake)();
    }
}
