//! Messages that come whole: sub-agents, errors of the provider, answers without streaming; and tool results.

use serde_json::{Map, Value, json};

use super::{Translator, blocks, content::content, ids::MessageIds};
use crate::{
    agui::{Event, EventKind, Id, TextRole, ToolRole},
    bridge::claude::wire::text,
};

impl Translator {
    /// A message of the assistant, one content block a line. What was streamed already is not shown twice.
    pub(super) fn assistant(&mut self, mut value: Value, out: &mut Vec<Event>) {
        let parent = text(&value, "parent_tool_use_id").map(Id::from);
        let message_id = text(&value["message"], "id").map_or_else(Id::random, Id::from);
        if parent.is_none() && self.was_streamed(&message_id) {
            return;
        }
        let owner = parent.map(|call| self.enter_subagent(&call, &value, out));
        let role = (value["is_api_error_message"] == true).then_some(TextRole::System);
        let Value::Array(blocks) = value["message"]["content"].take() else {
            return;
        };
        for block in blocks {
            let first = out.len();
            self.whole_block(&message_id, block, role, owner.as_ref(), out);
            for event in &mut out[first..] {
                event.subagent_run_id.clone_from(&owner);
            }
        }
    }

    /// Streamed messages have ids before their first whole line; whole ones are entered as `whole`.
    fn was_streamed(&self, id: &Id) -> bool {
        self.messages.get(id).is_some_and(|ids| !ids.is_whole())
    }

    fn whole_block(
        &mut self,
        message: &Id,
        mut block: Value,
        role: Option<TextRole>,
        owner: Option<&Id>,
        out: &mut Vec<Event>,
    ) {
        let ids = self.messages.entry(message.clone()).or_insert_with(|| MessageIds::whole(message.clone()));
        match text(&block, "type").unwrap_or_default() {
            "text" => {
                let id = ids.next_text();
                out.push(EventKind::TextMessageStart { message_id: id.clone(), role, name: None }.into());
                out.push(blocks::text_delta(&id, take_text(&mut block, "text")));
                out.push(blocks::close_text(id));
            }
            "thinking" | "redacted_thinking" => {
                let id = ids.next_thought();
                blocks::open_thought(&id, out);
                out.push(blocks::thought_delta(&id, take_text(&mut block, "thinking")));
                let sealed = if block.get("data").is_some() { "data" } else { "signature" };
                blocks::close_thought(id, take_text(&mut block, sealed), out);
            }
            kind if blocks::is_call(kind) => {
                let parent = ids.tool_parent();
                self.whole_call(&block, parent, owner, out);
            }
            kind if blocks::is_result(kind) => self.tool_result(block, out),
            _ => {}
        }
    }

    fn whole_call(&mut self, block: &Value, parent: Id, owner: Option<&Id>, out: &mut Vec<Event>) {
        let Some(id) = text(block, "id").map(Id::from) else {
            return;
        };
        let name = text(block, "name").unwrap_or_default();
        if self.open_call(id.clone(), name, parent, owner.cloned(), out) {
            out.push(blocks::call_args(&id, block["input"].to_string()));
            out.push(blocks::close_call(id));
        }
    }

    /// A message of the user's side: tool results. Its texts are prompts that the agent was given, and the CLI's own remarks.
    pub(super) fn user(&mut self, mut value: Value, out: &mut Vec<Event>) {
        if value["isReplay"] == true {
            return;
        }
        let launched = value["tool_use_result"]["status"] == "async_launched";
        let Value::Array(blocks) = value["message"]["content"].take() else {
            return;
        };
        for block in blocks {
            if text(&block, "type").is_some_and(blocks::is_result) {
                if let Some(call) = text(&block, "tool_use_id").map(Id::from) {
                    self.end_foreground_subagent(&call, launched, &block, out);
                }
                self.tool_result(block, out);
            }
        }
    }

    /// The result of a call, once.
    pub(super) fn tool_result(&mut self, mut block: Value, out: &mut Vec<Event>) {
        let Some(id) = text(&block, "tool_use_id").map(Id::from) else {
            return;
        };
        let call = self.calls.entry(id.clone()).or_default();
        if std::mem::replace(&mut call.answered, true) {
            return;
        }
        let owner = call.owner.clone();
        let result = EventKind::ToolCallResult {
            message_id: Id::from(format!("{id}-result")),
            tool_call_id: id,
            content: content(block["content"].take()),
            role: Some(ToolRole::Tool),
        };
        let mut event = Event::from(result).of_subagent(owner);
        if block["is_error"] == true {
            event.metadata = Some(error_mark());
        }
        out.push(event);
    }
}

/// How a failed result is told apart; AG-UI's result event has no member for it.
fn error_mark() -> Map<String, Value> {
    let mut mark = Map::new();
    mark.insert("ambient".to_owned(), json!({ "isError": true }));
    mark
}

fn take_text(block: &mut Value, member: &str) -> String {
    match block.get_mut(member).map(Value::take) {
        Some(Value::String(text)) => text,
        _ => String::new(),
    }
}
