//! Redaction of an event's members, but for the deltas, which are redacted in their lanes.

use crate::{
    agui::{Event, EventKind, RunOutcome, SubagentOutcome, Usage},
    security::Redactor,
};

use super::members::{Redact, each};

impl Redact for Event {
    fn redact(&mut self, redactor: &Redactor) {
        let Self { kind, timestamp: _, raw_event, metadata, subagent_run_id } = self;
        each(redactor, [kind, raw_event, metadata, subagent_run_id]);
    }
}

impl Redact for EventKind {
    #[rustfmt::skip]
    fn redact(&mut self, redactor: &Redactor) {
        let r = redactor;
        match self {
            Self::RunStarted { thread_id, run_id, protocol_version, parent_run_id, input } => {
                each(r, [thread_id, run_id, protocol_version, parent_run_id, input]);
            }
            Self::RunFinished { thread_id, run_id, result, outcome, usage } => {
                each(r, [thread_id, run_id, result, outcome, usage]);
            }
            Self::RunError { message, code, usage } => each(r, [message, code, usage]),
            Self::StepStarted { step_name } | Self::StepFinished { step_name } => step_name.redact(r),
            Self::TextMessageStart { message_id, role: _, name } => each(r, [message_id, name]),
            Self::TextMessageContent { message_id, delta: _ }
            | Self::TextMessageEnd { message_id }
            | Self::ReasoningStart { message_id }
            | Self::ReasoningMessageStart { message_id, role: _ }
            | Self::ReasoningMessageContent { message_id, delta: _ }
            | Self::ReasoningMessageEnd { message_id }
            | Self::ReasoningEnd { message_id } => message_id.redact(r),
            Self::TextMessageChunk { message_id, role: _, delta: _, name } => each(r, [message_id, name]),
            Self::ToolCallStart { tool_call_id, tool_call_name, parent_message_id } => {
                each(r, [tool_call_id, tool_call_name, parent_message_id]);
            }
            Self::ToolCallArgs { tool_call_id, delta: _ } | Self::ToolCallEnd { tool_call_id } => tool_call_id.redact(r),
            Self::ToolCallChunk { tool_call_id, tool_call_name, parent_message_id, delta: _ } => {
                each(r, [tool_call_id, tool_call_name, parent_message_id]);
            }
            Self::ToolCallResult { message_id, tool_call_id, content, role: _ } => {
                each(r, [message_id, tool_call_id, content]);
            }
            Self::StateSnapshot { snapshot } => snapshot.redact(r),
            Self::StateDelta { delta } => delta.redact(r),
            Self::MessagesSnapshot { messages } => messages.redact(r),
            Self::ActivitySnapshot { message_id, activity_type, content, replace: _ } => {
                each(r, [message_id, activity_type, content]);
            }
            Self::ActivityDelta { message_id, activity_type, patch } => each(r, [message_id, activity_type, patch]),
            Self::Raw { event, source } => each(r, [event, source]),
            Self::Custom { name, value } => each(r, [name, value]),
            Self::ReasoningMessageChunk { message_id, delta: _ } => message_id.redact(r),
            Self::ReasoningEncryptedValue { subtype: _, entity_id, encrypted_value } => {
                each(r, [entity_id, encrypted_value]);
            }
            Self::SubagentStarted {
                name, description, parent_subagent_run_id, parent_tool_call_id, parent_message_id,
            } => each(r, [name, description, parent_subagent_run_id, parent_tool_call_id, parent_message_id]),
            Self::SubagentFinished { result, outcome } => each(r, [result, outcome]),
            Self::SubagentError { message, code } => each(r, [message, code]),
        }
    }
}

impl Redact for RunOutcome {
    fn redact(&mut self, redactor: &Redactor) {
        match self {
            Self::Success { pending_tool_call_ids } => pending_tool_call_ids.redact(redactor),
            Self::Interrupt { interrupts } => interrupts.redact(redactor),
            Self::Cancelled => {}
        }
    }
}

impl Redact for SubagentOutcome {
    fn redact(&mut self, redactor: &Redactor) {
        match self {
            Self::Success => {}
            Self::Suspended { interrupt_ids } => interrupt_ids.redact(redactor),
        }
    }
}

impl Redact for Usage {
    fn redact(&mut self, redactor: &Redactor) {
        let Self {
            provider,
            model,
            input_tokens: _,
            output_tokens: _,
            total_tokens: _,
            reasoning_tokens: _,
            cached_input_tokens: _,
            cache_write_input_tokens: _,
        } = self;
        each(redactor, [provider, model]);
    }
}
