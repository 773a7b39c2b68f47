//! The CLI's output lines to AG-UI events: a pure state machine that appends to a buffer of its caller.
//!
//! Ids. A text message has the id of the API message it belongs to; a second text of the same API message gets `<id>-2`,
//! and so on. Reasoning has `<id>-reasoning`, `<id>-reasoning-2` …, a tool's result `<tool call id>-result`, a sub-agent
//! `<tool call id>-agent`. A tool call's parent is the last text message of its API message.
//!
//! Steps. One model call is one step: `model-1`, `model-2` … within a turn.
//!
//! What the agent takes back. When a connection breaks, the CLI may ask the model again: what was streamed is void. The open
//! item is closed and CUSTOM `ambient:abandoned` names what does not count; the new answer has new ids.

#[cfg(test)]
mod any_lines;
mod blocks;
mod content;
mod ids;
#[cfg(test)]
mod lines;
mod stream;
mod subagents;
mod system;
#[cfg(test)]
mod tests;
mod whole;

use std::collections::HashMap;

use serde_json::{Value, json};

use super::wire::{Frame, text};
use crate::agui::{Event, EventKind, Id};
use ids::MessageIds;
use stream::Message;
use subagents::Subagents;

/// Where RAW events come from.
pub(crate) const SOURCE: &str = "claude-cli";

/// Turns the lines of one process into events, turn after turn.
#[derive(Default)]
pub(crate) struct Translator {
    /// The prefix of tools that the client executes; its tools are shown under their own names.
    frontend_prefix: &'static str,
    /// The main agent's message that is being streamed.
    message: Option<Message>,
    /// The ids given out for each API message of the turn, streamed or whole.
    messages: HashMap<Id, MessageIds>,
    calls: HashMap<Id, Call>,
    subagents: Subagents,
    steps: u32,
    open_step: Option<String>,
}

/// A tool call of the turn.
#[derive(Debug, Default)]
struct Call {
    /// The sub-agent that made it.
    owner: Option<Id>,
    answered: bool,
}

/// How a turn ended, as far as open items are concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Closing<'a> {
    /// The agent ended it.
    Done,
    /// It was cut off for this reason: calls without a result will never have one.
    Cut(&'a str),
}

impl Translator {
    /// A translator that shows tools with this prefix under their own names.
    pub(crate) fn new(frontend_prefix: &'static str) -> Self {
        Self { frontend_prefix, ..Self::default() }
    }

    /// Forgets the turn before.
    pub(crate) fn begin(&mut self) {
        *self = Self::new(self.frontend_prefix);
    }

    /// Appends the events of a line.
    pub(crate) fn translate(&mut self, frame: Frame<'_>, out: &mut Vec<Event>) {
        match frame {
            Frame::Stream(frame) => self.stream(frame, out),
            Frame::Other(value) => self.other(value, out),
        }
    }

    fn other(&mut self, value: Value, out: &mut Vec<Event>) {
        match text(&value, "type") {
            Some("assistant") => self.assistant(value, out),
            Some("user") => self.user(value, out),
            Some("system") => self.system(value, out),
            Some("rate_limit_event") => out.push(system::rate_limit(value)),
            // Results and control messages are the turn's business, not the stream's; the rest is unknown or noise.
            _ => {}
        }
    }

    /// Closes whatever is open. After it, the turn's events are complete.
    pub(crate) fn close(&mut self, closing: Closing<'_>, out: &mut Vec<Event>) {
        self.finish_message(None, out);
        if let Closing::Cut(reason) = closing {
            self.answer_open_calls(reason, out);
        }
        self.subagents.close(closing, out);
    }

    fn answer_open_calls(&mut self, reason: &str, out: &mut Vec<Event>) {
        let mut open: Vec<Id> =
            self.calls.iter().filter(|(_, call)| !call.answered).map(|(id, _)| id.clone()).collect();
        open.sort_unstable();
        for id in open {
            let result = json!({ "tool_use_id": id.as_str(), "content": reason, "is_error": true });
            self.tool_result(result, out);
        }
    }

    fn start_step(&mut self, out: &mut Vec<Event>) {
        self.finish_step(out);
        self.steps += 1;
        let step_name = format!("model-{}", self.steps);
        self.open_step = Some(step_name.clone());
        out.push(EventKind::StepStarted { step_name }.into());
    }

    fn finish_step(&mut self, out: &mut Vec<Event>) {
        if let Some(step_name) = self.open_step.take() {
            out.push(EventKind::StepFinished { step_name }.into());
        }
    }
}

/// A CUSTOM event of ours.
pub(crate) fn custom(name: &str, value: Value) -> Event {
    EventKind::Custom { name: name.to_owned(), value }.into()
}
