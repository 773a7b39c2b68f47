//! Tool calls inside messages, and their results.

use super::{Messages, edit};
use crate::agui::{Content, Event, FunctionCall, Id, Message, MessageCommon, ToolCall, ToolCallKind};

impl Messages {
    /// A call begins. One that is there already only takes the name: its arguments are all there is of them.
    pub(super) fn begin_call(&mut self, id: &Id, name: &str, parent: Option<&Id>, event: &Event) {
        if let Some(call) = self.call_mut(id) {
            name.clone_into(&mut call.function.name);
            edit::merge(&mut call.metadata, event.metadata.as_ref());
            return;
        }
        let message_id = self.message_for_call(id, parent, event);
        if let Some(Message::Assistant { tool_calls, .. }) = self.get_mut(&message_id) {
            tool_calls.push(new_call(id, name, event));
            self.calls.insert(id.clone(), message_id);
        }
    }

    pub(super) fn append_arguments(&mut self, id: &Id, delta: &str, event: &Event) {
        if let Some(call) = self.call_mut(id) {
            call.function.arguments.push_str(delta);
            edit::merge(&mut call.metadata, event.metadata.as_ref());
        }
    }

    /// A result goes after its call's message and the results that are there, since a provider wants them next to each
    /// other; at the end when the call is unknown.
    pub(super) fn insert_result(&mut self, id: &Id, call: &Id, content: &Content, event: &Event) {
        let owner = self.calls.get(call).and_then(|message| self.positions.get(message));
        let at = owner.map_or(self.list.len(), |owner| {
            let after = &self.list[owner + 1..];
            owner + 1 + after.iter().take_while(|message| is_result(message)).count()
        });
        let result = Message::Tool {
            id: id.clone(),
            tool_call_id: call.clone(),
            content: content.clone(),
            error: None,
            encrypted_value: None,
            metadata: event.metadata.clone(),
            subagent_run_id: event.subagent_run_id.clone(),
        };
        self.insert(at, result);
    }

    pub(super) fn call_mut(&mut self, id: &Id) -> Option<&mut ToolCall> {
        let message = self.calls.get(id)?.clone();
        match self.get_mut(&message)? {
            Message::Assistant { tool_calls, .. } => tool_calls.iter_mut().find(|call| call.id == *id),
            _ => None,
        }
    }

    /// The assistant's message that a new call belongs to, made when there is none.
    fn message_for_call(&mut self, call: &Id, parent: Option<&Id>, event: &Event) -> Id {
        let id = match parent.map(|id| (id, self.get(id))) {
            Some((id, Some(Message::Assistant { .. }))) => return id.clone(),
            Some((id, None)) => id.clone(),
            Some((_, Some(_))) | None => call.clone(),
        };
        self.push(Message::Assistant {
            id: id.clone(),
            content: None,
            tool_calls: Vec::new(),
            common: MessageCommon { subagent_run_id: event.subagent_run_id.clone(), ..MessageCommon::default() },
        });
        id
    }
}

fn new_call(id: &Id, name: &str, event: &Event) -> ToolCall {
    ToolCall {
        id: id.clone(),
        kind: ToolCallKind::Function,
        function: FunctionCall { name: name.to_owned(), arguments: String::new() },
        encrypted_value: None,
        metadata: event.metadata.clone(),
    }
}

fn is_result(message: &Message) -> bool {
    matches!(message, Message::Tool { .. })
}
