//! Sub-agents: each is named after the tool call that started it.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::{Closing, Translator, content::content};
use crate::{
    agui::{Event, EventKind, Id, SubagentOutcome},
    bridge::claude::wire::text,
};

/// The sub-agents of a turn, by the call that started them.
#[derive(Debug, Default)]
pub(super) struct Subagents {
    by_call: HashMap<Id, Subagent>,
    /// In the order they began.
    order: Vec<Id>,
}

#[derive(Debug)]
struct Subagent {
    id: Id,
    background: bool,
    ended: bool,
}

impl Subagents {
    fn open(&mut self, call: &Id) -> Option<&mut Subagent> {
        self.by_call.get_mut(call).filter(|agent| !agent.ended)
    }

    fn end(&mut self, call: &Id, kind: EventKind, out: &mut Vec<Event>) {
        if let Some(agent) = self.open(call) {
            agent.ended = true;
            out.push(Event::from(kind).of_subagent(Some(agent.id.clone())));
        }
    }

    /// Ends those that are open: cut off with the turn, or still at work while the turn is over. The last begun ends first.
    pub(super) fn close(&mut self, closing: Closing<'_>, out: &mut Vec<Event>) {
        for call in std::mem::take(&mut self.order).into_iter().rev() {
            let kind = match closing {
                Closing::Done => EventKind::SubagentFinished {
                    result: None,
                    outcome: Some(SubagentOutcome::Suspended { interrupt_ids: Vec::new() }),
                },
                Closing::Cut(reason) => EventKind::SubagentError { message: reason.to_owned(), code: None },
            };
            self.end(&call, kind, out);
        }
    }
}

impl Translator {
    /// The sub-agent that a call started; begins it when it is new. Returns its id.
    pub(super) fn enter_subagent(&mut self, call: &Id, about: &Value, out: &mut Vec<Event>) -> Id {
        if let Some(agent) = self.subagents.by_call.get(call) {
            return agent.id.clone();
        }
        let id = Id::from(format!("{call}-agent"));
        let parent = self.calls.get(call).and_then(|call| call.owner.clone());
        let description = text(about, "task_description").or_else(|| text(about, "description"));
        let started = EventKind::SubagentStarted {
            name: text(about, "subagent_type").unwrap_or("agent").to_owned(),
            description: description.map(str::to_owned),
            parent_subagent_run_id: parent,
            parent_tool_call_id: Some(call.clone()),
            parent_message_id: None,
        };
        out.push(Event::from(started).of_subagent(Some(id.clone())));
        let background = about["is_backgrounded"] == true;
        self.subagents.by_call.insert(call.clone(), Subagent { id: id.clone(), background, ended: false });
        self.subagents.order.push(call.clone());
        id
    }

    /// The call of a sub-agent in the foreground ends with it. In the background the call only says that it was launched.
    pub(super) fn end_foreground_subagent(&mut self, call: &Id, launched: bool, result: &Value, out: &mut Vec<Event>) {
        let Some(agent) = self.subagents.open(call) else {
            return;
        };
        agent.background |= launched;
        if agent.background {
            return;
        }
        let said = content(result["content"].clone()).text();
        let kind = if result["is_error"] == true {
            EventKind::SubagentError { message: said, code: None }
        } else {
            EventKind::SubagentFinished { result: Some(json!(said)), outcome: None }
        };
        self.subagents.end(call, kind, out);
    }

    /// `task_notification`: a sub-agent has ended.
    pub(super) fn subagent_notified(&mut self, about: &Value, out: &mut Vec<Event>) {
        let Some(call) = text(about, "tool_use_id").map(Id::from) else {
            return;
        };
        let summary = text(about, "summary").unwrap_or_default();
        let kind = match text(about, "status") {
            Some("completed") => EventKind::SubagentFinished { result: Some(json!(summary)), outcome: None },
            status => EventKind::SubagentError {
                message: if summary.is_empty() {
                    "the sub-agent did not complete".to_owned()
                } else {
                    summary.to_owned()
                },
                code: status.map(str::to_owned),
            },
        };
        self.subagents.end(&call, kind, out);
    }
}
