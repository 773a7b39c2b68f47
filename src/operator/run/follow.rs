//! Giving a Run to its runner and listening to what becomes of it.
//!
//! Giving is idempotent: a runner never executes a run id twice. So it is done again whenever nobody knows whether it was done.

use std::time::Duration;

use reqwest::StatusCode;
use tokio::sync::watch;

use super::{records::Records, view::Seen};
use crate::{agui::RunAgentInput, eventlog::Record, fold::Fold, security::Secret};

/// The header with the token.
const TOKEN: &str = "x-ambient-session-token";
/// How often what is going on goes into the status at most.
const PROGRESS: Duration = Duration::from_secs(10);
/// How long a runner may take to accept a Run or to answer with the head of a stream.
const ANSWER: Duration = Duration::from_secs(30);
/// How long a runner may be out of reach before a Run that it may not have is given up.
const REACH: Duration = Duration::from_mins(10);
/// How long a stream may be silent: the runner says every 15 s that it lives.
const SILENCE: Duration = Duration::from_mins(1);
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
}

/// Gives the Run to its runner, and publishes what happens until it has ended.
pub(super) async fn follow(http: reqwest::Client, target: Target, seen: watch::Sender<Seen>, wake: impl Fn()) {
    let given = tokio::time::timeout(REACH, deliver(&http, &target)).await;
    if let Some(end) = given.map_or(Some(Seen::Unreachable), |given| given.err().map(Seen::Refused)) {
        seen.send_replace(end);
        return wake();
    }
    let mut tail =
        Tail { fold: Fold::new(), after: 0, run_id: target.input.run_id.to_string(), told: None, seen, wake };
    let mut pause = PAUSE.0;
    while !tail.fold.is_over() {
        let before = tail.after;
        let _ = tail.listen(&http, &target).await;
        pause = if tail.after > before { PAUSE.0 } else { (pause * 2).min(PAUSE.1) };
        if !tail.fold.is_over() {
            tokio::time::sleep(pause).await;
        }
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
    run_id: String,
    told: Option<tokio::time::Instant>,
    seen: watch::Sender<Seen>,
    wake: W,
}

impl<W: Fn()> Tail<W> {
    /// Takes the thread's events from where it was until the stream ends.
    async fn listen(&mut self, http: &reqwest::Client, target: &Target) -> reqwest::Result<()> {
        let url = format!("{}/events/{}?after={}&format=record", target.url, target.input.thread_id, self.after);
        let request = http.get(url).header(TOKEN, target.token.expose());
        let mut response = request.send().await?.error_for_status()?;
        let mut records = Records::default();
        let mut dirty = false;
        loop {
            let patience = if dirty { PROGRESS } else { SILENCE };
            match tokio::time::timeout(patience, response.chunk()).await {
                Ok(Ok(Some(chunk))) => {
                    for record in records.feed(&chunk) {
                        dirty |= self.take(&record);
                    }
                }
                Ok(Ok(None)) => return Ok(()),
                Ok(Err(error)) => return Err(error),
                // A connection that nobody answers any more looks like a silent one.
                Err(_) if !dirty => return Ok(()),
                Err(_) => {}
            }
            if self.fold.is_over() || (dirty && self.told.is_none_or(|told| told.elapsed() >= PROGRESS)) {
                self.tell();
                dirty = false;
            }
            if self.fold.is_over() {
                return Ok(());
            }
        }
    }

    /// Whether the record is of the Run.
    fn take(&mut self, record: &Record) -> bool {
        self.after = self.after.max(record.seq);
        let ours = *record.run_id == *self.run_id;
        if ours {
            self.fold.apply(record.seq, record.at, &record.event);
        }
        ours
    }

    fn tell(&mut self) {
        self.told = Some(tokio::time::Instant::now());
        self.seen.send_replace(Seen::Events(Box::new(self.fold.status())));
        (self.wake)();
    }
}
