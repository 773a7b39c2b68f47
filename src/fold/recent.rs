//! The latest things that happened, a line each.

use std::collections::VecDeque;

use super::{is_assistant, text::push_head, timestamp};
use crate::{
    agui::{Content, Event, EventKind, Id, RunOutcome},
    api::{limits::cut, outcome},
};

/// The most lines.
const MAX_LINES: usize = 20;

/// The most bytes of a line as JSON.
const MAX_LINE: usize = 100;

/// The most texts and tool calls that are followed at the same time; of more, the oldest are forgotten.
const MAX_OPEN: usize = 32;

/// A text or tool call that is not at its end.
#[derive(Debug, Clone)]
struct Open {
    id: Id,
    title: String,
    head: String,
}

/// The latest things that happened.
#[derive(Debug, Clone, Default)]
pub(super) struct Recent {
    lines: VecDeque<String>,
    open: VecDeque<Open>,
}

impl Recent {
    /// The lines, oldest first.
    pub(super) fn lines(&self) -> Vec<String> {
        self.lines.iter().cloned().collect()
    }

    /// Takes an event of the run or of one of its sub-agents.
    pub(super) fn note(&mut self, at_ms: i64, event: &Event) {
        match &event.kind {
            EventKind::TextMessageStart { message_id, role, .. } => {
                self.begin(message_id, if is_assistant(*role) { "says" } else { "notes" });
            }
            EventKind::ToolCallStart { tool_call_id, tool_call_name, .. } => {
                self.begin(tool_call_id, tool_call_name);
            }
            EventKind::TextMessageContent { message_id: id, delta }
            | EventKind::ToolCallArgs { tool_call_id: id, delta } => self.more(id, delta),
            EventKind::TextMessageEnd { message_id: id } => {
                if let Some(open) = self.take(id) {
                    self.line(at_ms, &open.title, &open.head);
                }
            }
            EventKind::ToolCallEnd { tool_call_id: id } => self.called(at_ms, id),
            EventKind::ToolCallResult { tool_call_id, content, .. } => {
                self.answered(at_ms, tool_call_id, content);
            }
            other => {
                if let Some((title, text)) = happening(other) {
                    self.line(at_ms, title, text);
                }
            }
        }
    }

    fn begin(&mut self, id: &Id, title: &str) {
        if self.open.len() == MAX_OPEN {
            self.open.pop_front();
        }
        let title = cut(title, MAX_LINE / 2).into_owned();
        self.open.push_back(Open { id: id.clone(), title, head: String::new() });
    }

    fn more(&mut self, id: &Id, delta: &str) {
        if let Some(open) = self.open.iter_mut().rev().find(|open| open.id == *id) {
            push_head(&mut open.head, delta, MAX_LINE);
        }
    }

    fn take(&mut self, id: &Id) -> Option<Open> {
        let position = self.open.iter().rposition(|open| open.id == *id)?;
        self.open.remove(position)
    }

    /// A call goes on until its result comes.
    fn called(&mut self, at_ms: i64, id: &Id) {
        if let Some(mut open) = self.take(id) {
            self.line(at_ms, &open.title, &open.head);
            open.head.clear();
            self.open.push_back(open);
        }
    }

    fn answered(&mut self, at_ms: i64, id: &Id, content: &Content) {
        let Some(open) = self.take(id) else { return };
        let text = match content {
            Content::Text(text) => text.as_str(),
            Content::Parts(parts) => parts.iter().find_map(|part| part.text()).unwrap_or_default(),
        };
        self.line(at_ms, &format!("{} →", open.title), text);
    }

    fn line(&mut self, at_ms: i64, title: &str, text: &str) {
        if self.lines.len() == MAX_LINES {
            self.lines.pop_front();
        }
        let time = timestamp(at_ms).map(|time| time.strftime("%H:%M:%S ").to_string());
        let line = format!("{}{title} {}", time.unwrap_or_default(), one_line(text));
        self.lines.push_back(cut(&one_line(line.trim_end()), MAX_LINE).into_owned());
    }
}

/// The events that are a line by themselves.
fn happening(kind: &EventKind) -> Option<(&str, &str)> {
    match kind {
        EventKind::RunStarted { .. } => Some(("run started", "")),
        EventKind::RunFinished { outcome: Some(RunOutcome::Interrupt { interrupts }), .. } => {
            let question = interrupts.first().and_then(|interrupt| interrupt.message.as_deref());
            Some(("asks", question.unwrap_or_default()))
        }
        EventKind::RunFinished { outcome: Some(RunOutcome::Cancelled), .. } => Some(("run cancelled", "")),
        EventKind::RunFinished { outcome: Some(RunOutcome::Success { .. }) | None, .. } => Some(("run finished", "")),
        EventKind::RunError { message, code, .. } => Some((code.as_deref().unwrap_or("error"), message)),
        EventKind::SubagentStarted { name, .. } => Some(("sub-agent started", name)),
        EventKind::SubagentFinished { .. } => Some(("sub-agent finished", "")),
        EventKind::SubagentError { message, .. } => Some(("sub-agent failed", message)),
        EventKind::Custom { name, .. } if name != outcome::EVENT_NAME => Some(("event", name)),
        _ => None,
    }
}

/// The beginning of a text, on one line and safe for a terminal.
fn one_line(text: &str) -> String {
    let head = &text[..text.floor_char_boundary(2 * MAX_LINE)];
    let words = head.split(|c: char| c.is_whitespace() || c.is_control());
    words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}
