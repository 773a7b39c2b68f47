//! A turn on its way through a process: begun, watched, stopped, reported.

use serde_json::{Value, json};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use super::{Actor, Next, Waiting};
use crate::{
    agui::Event,
    bridge::{
        EventSink, FailureKind, TurnEnd,
        claude::{between::Told, outcome::Verdict, wire::list},
    },
};

/// A turn to take.
pub(crate) struct Order {
    /// The message that begins it; absent: the agent has begun by itself.
    pub(crate) prompt: Option<Prompt>,
    /// What the reader is told first.
    pub(crate) notices: Vec<Event>,
    pub(crate) events: EventSink,
    pub(crate) interrupt: CancellationToken,
    pub(crate) reply: oneshot::Sender<Report>,
}

/// A message to the agent.
#[derive(Clone)]
pub(crate) struct Prompt {
    /// The whole line.
    pub(crate) line: Vec<u8>,
    pub(crate) uuid: String,
    /// It answers calls that were open, so they are not any more once the agent has it.
    pub(crate) answers: bool,
}

/// What became of an order.
pub(crate) enum Report {
    /// The turn is over.
    Ended(TurnEnd),
    /// The process ended before the agent had the message; it may be given to another one.
    NotTaken,
}

/// The turn that is under way.
pub(super) struct ActiveTurn {
    events: EventSink,
    interrupt: CancellationToken,
    reply: Option<oneshot::Sender<Report>>,
    /// Why the bridge stops it, if it does.
    pub(super) verdict: Option<Verdict>,
    /// What it says when the agent has no part in it.
    said: Option<String>,
    /// Calls are still noted as open that this turn answers.
    settles: bool,
}

impl ActiveTurn {
    /// Sends what is left, as far as there is room at once or soon.
    pub(super) async fn deliver(&mut self, events: &mut Vec<Event>) {
        for event in events.drain(..) {
            let patience = super::DRAIN;
            if self.events.send_timeout(event, patience).await.is_err() {
                return;
            }
        }
    }

    pub(super) fn report(&mut self, report: Report) {
        if let Some(reply) = self.reply.take() {
            // Whoever asked may have gone; the turn is over all the same.
            reply.send(report).ok();
        }
    }
}

/// Resolves when nobody wants the turn any more.
pub(super) async fn unwanted(turn: Option<&mut ActiveTurn>) {
    match turn {
        Some(ActiveTurn { interrupt, reply: Some(reply), verdict: None, .. }) => {
            tokio::select! {
                () = interrupt.cancelled() => {}
                () = reply.closed() => {}
            }
        }
        _ => std::future::pending().await,
    }
}

impl Actor {
    pub(super) async fn begin(&mut self, order: Order) {
        self.silence = None;
        self.setup.untold.take_up();
        let told = if order.prompt.is_none() && !self.between.is_held() { Some(self.between.tell()) } else { None };
        self.session.begin(order.prompt.as_ref().map(|prompt| prompt.uuid.clone()));
        self.turn = Some(ActiveTurn {
            events: order.events,
            interrupt: order.interrupt,
            reply: Some(order.reply),
            verdict: None,
            said: None,
            settles: order.prompt.as_ref().is_some_and(|prompt| prompt.answers),
        });
        self.setup.note_idle(false);
        self.deadline = None;
        self.events.extend(order.notices);
        if let Some(told) = told {
            return self.only_tell(told).await;
        }
        if let Some(prompt) = order.prompt {
            self.write(prompt.line);
        }
        self.read_kept().await;
    }

    /// A turn that the agent has no part in. When another one has told what there was, it is empty.
    async fn only_tell(&mut self, told: Option<Told>) {
        let told = told.unwrap_or_default();
        self.events.extend(told.events);
        if let Some(turn) = &mut self.turn {
            turn.said = told.said;
        }
        self.finish().await;
    }

    /// The agent did not go on with what has ended.
    pub(super) fn tell_silent_end(&mut self) {
        self.silence = None;
        if self.between.has_news() && !self.setup.awaits_answers() {
            self.setup.announce();
        }
    }

    /// Reads the lines that waited for this turn.
    async fn read_kept(&mut self) {
        for line in self.between.take() {
            if self.between.is_held() {
                // The agent has begun another turn since.
                self.between.hold(&line);
                continue;
            }
            let step = self.session.line(&line, &mut self.events);
            self.between.keep(&line, &step, self.closing);
            self.act(step).await;
        }
    }

    /// Sends the events to the turn. Without a turn there are none that anybody may see.
    pub(super) async fn flush(&mut self) {
        if self.events.is_empty() {
            return;
        }
        self.settle().await;
        let mut events = std::mem::take(&mut self.events);
        for event in events.drain(..) {
            self.send(event).await;
        }
        if self.events.is_empty() {
            // Its memory is used again.
            self.events = events;
        }
    }

    async fn send(&mut self, event: Event) {
        let Some(turn) = &mut self.turn else { return };
        let event = match turn.events.try_send(event) {
            Ok(()) => return,
            Err(tokio::sync::mpsc::error::TrySendError::Closed(_)) => {
                return self.stop_unless_stopped();
            }
            Err(tokio::sync::mpsc::error::TrySendError::Full(event)) => event,
        };
        self.send_slowly(event).await;
    }

    /// Waits for room, and keeps an eye on the turn's end meanwhile.
    async fn send_slowly(&mut self, event: Event) {
        while !self.is_over() {
            let Some(turn) = &mut self.turn else { return };
            let sink = turn.events.clone();
            tokio::select! {
                room = sink.reserve() => match room {
                    Ok(room) => return room.send(event),
                    Err(_) => return self.stop_unless_stopped(),
                },
                () = unwanted(Some(turn)) => self.stop(Verdict::Interrupted),
                () = super::until(self.deadline.map(|(at, _)| at)) => self.expire(),
            }
        }
    }

    pub(super) fn stop_unless_stopped(&mut self) {
        if self.turn.as_ref().is_some_and(|turn| turn.verdict.is_none()) {
            self.stop(Verdict::Interrupted);
        }
    }

    /// Asks the agent to stop. When it does not obey in time, its process is ended.
    pub(super) fn stop(&mut self, verdict: Verdict) {
        let Some(turn) = &mut self.turn else { return };
        turn.verdict = Some(verdict);
        self.request(&json!({ "subtype": "interrupt", "cancel_queued": true }), Waiting::Stop);
        self.arm(self.setup.config().timing.interrupt, Next::Terminate);
    }

    /// The CLI has heard. When it had not begun with the message, no result will come.
    pub(super) async fn stop_answered(&mut self, reply: Result<Value, String>) {
        let Ok(reply) = reply else { return };
        let Some(prompt) = self.session.prompt() else {
            return;
        };
        if list(&reply, "cancelled").iter().any(|uuid| uuid == prompt) {
            self.finish().await;
        }
    }

    /// Whether it makes sense that the CLI asks the provider again.
    pub(super) fn judge_retry(&mut self, status: Option<u64>, delay_ms: u64) {
        let longest = self.setup.config().timing.provider_wait.as_millis();
        let verdict = match status {
            Some(status @ (401 | 403)) => (
                FailureKind::AuthFailed,
                format!(
                    "the provider refused the credentials (HTTP {status}): check the key of the agent (ANTHROPIC_API_KEY)"
                ),
            ),
            Some(429) if u128::from(delay_ms) > longest => (
                FailureKind::ProviderLimit { resume_at: Some(in_unix_seconds(delay_ms)) },
                "the provider's quota is used up (HTTP 429): wait until it is back".to_owned(),
            ),
            _ => return,
        };
        if self.turn.as_ref().is_some_and(|turn| turn.verdict.is_none()) {
            self.stop(Verdict::Failed(verdict.0, verdict.1));
        }
    }

    /// Reports the turn that is over, and rests.
    pub(super) async fn finish(&mut self) {
        self.settle().await;
        let Some(turn) = &mut self.turn else { return };
        // From here on nobody can stop it any more.
        let verdict = turn.verdict.replace(Verdict::Interrupted);
        self.deadline = None;
        let said = turn.said.take();
        let mut end = self.session.finish(verdict, &mut self.events);
        end.result = end.result.or(said);
        if !self.session.open().is_empty() {
            self.setup.remember_open(self.session.open()).await;
        }
        self.flush().await;
        let turn = self.turn.take();
        // First, so that whoever hears of the end finds it idle.
        self.rest();
        if let Some(mut turn) = turn {
            turn.report(Report::Ended(end));
        }
    }

    /// Once the agent has the answers, the calls are not open any more.
    async fn settle(&mut self) {
        if self.session.spoke()
            && let Some(turn) = &mut self.turn
            && std::mem::take(&mut turn.settles)
        {
            self.setup.remember_open(&[]).await;
        }
    }
}

fn in_unix_seconds(delay_ms: u64) -> i64 {
    let at = std::time::SystemTime::now() + std::time::Duration::from_millis(delay_ms);
    let since = at.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}
