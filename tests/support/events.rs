//! Short names for events, for tests that fold them.

#![allow(dead_code, reason = "each test uses a part of these")]

use ambient::{
    agui::{Content, Event, EventKind, Id, RunOutcome, TextRole, Usage},
    api::outcome::{EVENT_NAME, OutcomeReport},
};

pub(crate) fn started() -> Event {
    EventKind::RunStarted {
        thread_id: "t".into(),
        run_id: "r".into(),
        protocol_version: None,
        parent_run_id: None,
        input: None,
    }
    .into()
}

pub(crate) fn finished(outcome: Option<RunOutcome>) -> Event {
    finished_with(outcome, Vec::new())
}

pub(crate) fn finished_with(outcome: Option<RunOutcome>, usage: Vec<Usage>) -> Event {
    EventKind::RunFinished { thread_id: "t".into(), run_id: "r".into(), result: None, outcome, usage }.into()
}

pub(crate) fn error(code: Option<&str>, message: &str) -> Event {
    EventKind::RunError { message: message.into(), code: code.map(str::to_owned), usage: Vec::new() }.into()
}

pub(crate) fn report(report: &OutcomeReport) -> Event {
    let value = serde_json::to_value(report).unwrap_or_default();
    EventKind::Custom { name: EVENT_NAME.into(), value }.into()
}

pub(crate) fn start(id: &str) -> Event {
    text_start(id, None)
}

pub(crate) fn text_start(id: &str, role: Option<TextRole>) -> Event {
    EventKind::TextMessageStart { message_id: id.into(), role, name: None }.into()
}

pub(crate) fn content(id: &str, delta: &str) -> Event {
    EventKind::TextMessageContent { message_id: id.into(), delta: delta.into() }.into()
}

pub(crate) fn end(id: &str) -> Event {
    EventKind::TextMessageEnd { message_id: id.into() }.into()
}

pub(crate) fn call(id: &str, name: &str) -> Event {
    EventKind::ToolCallStart { tool_call_id: id.into(), tool_call_name: name.into(), parent_message_id: None }.into()
}

pub(crate) fn args(id: &str, delta: &str) -> Event {
    EventKind::ToolCallArgs { tool_call_id: id.into(), delta: delta.into() }.into()
}

pub(crate) fn call_end(id: &str) -> Event {
    EventKind::ToolCallEnd { tool_call_id: id.into() }.into()
}

pub(crate) fn result(id: &str, text: &str) -> Event {
    let message_id = Id::from(format!("{id}-result"));
    let content = Content::Text(text.into());
    EventKind::ToolCallResult { message_id, tool_call_id: id.into(), content, role: None }.into()
}
