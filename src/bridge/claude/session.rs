//! What the lines of one process mean. Pure: it appends events, and says what is to be done.

use std::{collections::BTreeSet, sync::Arc};

use serde_json::Value;

use super::{
    FRONTEND_PREFIX,
    ledger::Ledger,
    outcome::{self, Verdict},
    policy::OpenCall,
    progress::Progress,
    tasks::{Tasks, is_end},
    translate::{Closing, Translator},
    wire::{self, Frame, text},
};
use crate::{
    agui::{Event, Id},
    bridge::{Ending, TurnEnd},
};

/// What a line asks for.
#[derive(Debug, PartialEq)]
pub(crate) enum Step {
    /// Nothing (more than the events).
    Nothing,
    /// The CLI asks us.
    Asked { id: String, request: Value },
    /// The CLI does not want an answer any more.
    Withdrawn { id: String },
    /// The CLI answers a request of ours.
    Replied { id: String, reply: Result<Value, String> },
    /// The conversation has this id, as of now.
    Named(String),
    /// The CLI asks the provider again after this time; the provider's status.
    Retrying { status: Option<u64>, delay_ms: u64 },
    /// The turn is over.
    Over,
    /// Nobody listens, but somebody will want to know: the line belongs into the next turn.
    Keep,
    /// The same, and it is the end of a background task: it gets a turn of its own when no other comes soon.
    KeepEnd,
    /// Nobody listens, and the agent has begun a turn by itself: the line belongs into it.
    Began,
}

/// The conversation with one process.
pub(crate) struct Session {
    translator: Translator,
    tasks: Tasks,
    /// Tasks of former processes whose end was told. A process that goes on with the conversation tells them again.
    told: BTreeSet<String>,
    /// Where others look for what the agent does, under its thread's name.
    ledger: Option<(Id, Arc<Ledger>)>,
    progress: Option<Progress>,
    /// Calls that somebody else answers, as of the last turn.
    open: Vec<OpenCall>,
    id: Option<String>,
    /// The CLI says when it has nothing left to do (not before 2.1.330).
    says_idle: bool,
    /// A result that came outside of a turn: the reason of a failed start.
    stray_result: Option<Value>,
}

impl Session {
    /// A process whose conversation has this id, if it is known.
    pub(crate) fn new(id: Option<String>) -> Self {
        let translator = Translator::new(FRONTEND_PREFIX);
        Self {
            translator,
            tasks: Tasks::default(),
            told: BTreeSet::new(),
            ledger: None,
            progress: None,
            open: Vec::new(),
            id,
            says_idle: false,
            stray_result: None,
        }
    }

    /// Notes what the agent does beside its turns.
    pub(crate) fn noting(self, thread: Id, ledger: Arc<Ledger>) -> Self {
        Self { told: ledger.ended(&thread), ledger: Some((thread, ledger)), ..self }
    }

    fn observe(&mut self, value: &Value) {
        self.tasks.observe(value);
        if let Some((thread, ledger)) = &self.ledger {
            ledger.observe(thread, value);
        }
    }

    /// Begins a turn: with a message of ours, or one that the agent began.
    pub(crate) fn begin(&mut self, prompt: Option<String>) {
        self.translator.begin();
        self.tasks.turn_begins();
        self.open.clear();
        self.progress = Some(Progress::new(prompt));
    }

    /// Notes that a call is answered by somebody else.
    pub(crate) fn defer(&mut self, call: OpenCall) {
        self.open.retain(|open| open.id != call.id);
        self.open.push(call);
    }

    /// Ends the turn that the CLI ended.
    pub(crate) fn finish(&mut self, verdict: Option<Verdict>, out: &mut Vec<Event>) -> TurnEnd {
        let progress = self.progress.take().unwrap_or_default();
        let end = outcome::of_result(progress, &self.open, verdict, self.id.clone());
        match &end.ending {
            Ending::Completed | Ending::PendingTools(_) | Ending::Asked(_) => {
                self.translator.close(Closing::Done, out);
            }
            Ending::Interrupted => self.close_cut("The run was stopped.", out),
            Ending::Failed { message, .. } => self.close_cut(message, out),
        }
        end
    }

    /// Ends the turn without a word of the CLI.
    pub(crate) fn cut(&mut self, ending: Ending, out: &mut Vec<Event>) -> TurnEnd {
        let reason = match &ending {
            Ending::Failed { message, .. } => message,
            _ => "The run was stopped.",
        };
        self.close_cut(reason, out);
        outcome::unfinished(self.progress.take().unwrap_or_default(), ending, self.id.clone())
    }

    /// What a turn that did not end well leaves open is not answered any more.
    fn close_cut(&mut self, reason: &str, out: &mut Vec<Event>) {
        self.open.clear();
        self.translator.close(Closing::Cut(reason), out);
    }

    pub(crate) fn open(&self) -> &[OpenCall] {
        &self.open
    }

    pub(crate) fn in_turn(&self) -> bool {
        self.progress.is_some()
    }

    /// Whether the CLI has reacted to the turn's message.
    pub(crate) fn spoke(&self) -> bool {
        self.progress.as_ref().is_some_and(|progress| progress.spoke)
    }

    /// The message of the turn.
    pub(crate) fn prompt(&self) -> Option<&str> {
        self.progress.as_ref().and_then(|progress| progress.prompt.as_deref())
    }

    /// Whether the process has nothing to do and nothing to wait for.
    pub(crate) fn is_idle(&self) -> bool {
        !self.in_turn() && self.open.is_empty() && !self.tasks.at_work()
    }

    pub(crate) fn take_stray_result(&mut self) -> Option<Value> {
        self.stray_result.take()
    }

    /// Reads a line: appends its events, and says what is to be done.
    pub(crate) fn line(&mut self, line: &[u8], out: &mut Vec<Event>) -> Step {
        match wire::parse(line) {
            None => Step::Nothing,
            Some(frame @ Frame::Stream(_)) => {
                let Some(progress) = &mut self.progress else {
                    return Step::Began;
                };
                progress.spoke = true;
                self.translator.translate(frame, out);
                Step::Nothing
            }
            Some(Frame::Other(value)) => self.value(value, out),
        }
    }

    fn value(&mut self, value: Value, out: &mut Vec<Event>) -> Step {
        self.says_idle |= text(&value, "subtype") == Some("session_state_changed");
        match text(&value, "type").unwrap_or_default() {
            "control_request" => asked(value),
            "control_response" => replied(value),
            "control_cancel_request" => Step::Withdrawn { id: owned(&value, "request_id") },
            "result" => self.result(value),
            "system" if self.is_told(&value) => Step::Nothing,
            _ if self.in_turn() => self.in_turn_value(value, out),
            _ => self.between_turns(&value),
        }
    }

    fn is_told(&self, value: &Value) -> bool {
        is_end(value) && text(value, "task_id").is_some_and(|id| self.told.contains(id))
    }

    fn result(&mut self, value: Value) -> Step {
        // With a call open the agent waits for its answer, and hears the report after it.
        let reads_report = self.says_idle && self.tasks.has_report() && self.open.is_empty();
        let goes_on = self.tasks.agents_at_work() || reads_report;
        let Some(progress) = &mut self.progress else {
            self.stray_result = Some(value);
            return Step::Nothing;
        };
        progress.spoke = true;
        if progress.result(value, goes_on) { Step::Over } else { Step::Nothing }
    }

    fn in_turn_value(&mut self, value: Value, out: &mut Vec<Event>) -> Step {
        let Some(progress) = &mut self.progress else {
            return Step::Nothing;
        };
        progress.observe(&value);
        let step = match (text(&value, "type"), text(&value, "subtype")) {
            (Some("system"), Some("session_state_changed")) if value["state"] == "idle" && progress.idle() => {
                Step::Over
            }
            (Some("system"), Some("init")) => self.named(&value),
            (Some("system"), Some("api_retry")) => retrying(&value),
            _ => Step::Nothing,
        };
        self.observe(&value);
        self.translator.translate(Frame::Other(value), out);
        step
    }

    fn named(&mut self, init: &Value) -> Step {
        match text(init, "session_id") {
            Some(id) if self.id.as_deref() != Some(id) => {
                self.id = Some(id.to_owned());
                Step::Named(id.to_owned())
            }
            _ => Step::Nothing,
        }
    }

    fn between_turns(&mut self, value: &Value) -> Step {
        match (text(value, "type"), text(value, "subtype")) {
            (Some("system"), Some("session_state_changed")) if value["state"] == "running" => Step::Began,
            (Some("system"), Some("session_state_changed" | "thinking_tokens" | "status")) => Step::Nothing,
            (Some("system"), Some("init")) | (Some("assistant"), _) => Step::Began,
            (Some("user"), _) if value["isReplay"] != true => Step::Began,
            (Some("system"), _) => {
                let news = self.tasks.is_news(value);
                self.observe(value);
                if news { Step::KeepEnd } else { Step::Keep }
            }
            _ => Step::Nothing,
        }
    }
}

fn asked(mut value: Value) -> Step {
    Step::Asked { id: owned(&value, "request_id"), request: value["request"].take() }
}

fn replied(mut value: Value) -> Step {
    let mut response = value["response"].take();
    let id = owned(&response, "request_id");
    let reply = match text(&response, "subtype") {
        Some("success") => Ok(response["response"].take()),
        _ => Err(text(&response, "error").unwrap_or("the CLI refused the request").to_owned()),
    };
    Step::Replied { id, reply }
}

fn retrying(value: &Value) -> Step {
    let delay_ms = value["retry_delay_ms"].as_f64().unwrap_or_default();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a saturating cast is what is meant")]
    Step::Retrying { status: value["error_status"].as_u64(), delay_ms: delay_ms as u64 }
}

fn owned(value: &Value, member: &str) -> String {
    text(value, member).unwrap_or_default().to_owned()
}
