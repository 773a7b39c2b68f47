//! What an event can say: the 31 kinds of AG-UI 1.0.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::wire::{is_absent, null_as_empty};
use super::{
    Content, EncryptedSubtype, Id, Message, ReasoningRole, RunAgentInput, RunOutcome, SubagentOutcome, TextRole,
    ToolRole, Usage,
};

/// What happened, with the members of that kind of event.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "SCREAMING_SNAKE_CASE", rename_all_fields = "camelCase")]
#[expect(missing_docs, reason = "the members are those of the AG-UI 1.0 specification, under its names")]
#[rustfmt::skip]
pub enum EventKind {
    RunStarted {
        thread_id: Id, run_id: Id,
        #[serde(default, skip_serializing_if = "Option::is_none")] protocol_version: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")] parent_run_id: Option<Id>,
        #[serde(default, skip_serializing_if = "Option::is_none")] input: Option<Box<RunAgentInput>>,
    },
    RunFinished {
        thread_id: Id, run_id: Id,
        #[serde(default, skip_serializing_if = "is_absent")] result: Option<Value>,
        #[serde(default, skip_serializing_if = "Option::is_none")] outcome: Option<RunOutcome>,
        #[serde(default, deserialize_with = "null_as_empty", skip_serializing_if = "Vec::is_empty")] usage: Vec<Usage>,
    },
    RunError {
        message: String,
        #[serde(default, skip_serializing_if = "Option::is_none")] code: Option<String>,
        #[serde(default, deserialize_with = "null_as_empty", skip_serializing_if = "Vec::is_empty")] usage: Vec<Usage>,
    },
    StepStarted { step_name: String },
    StepFinished { step_name: String },
    TextMessageStart {
        message_id: Id,
        #[serde(default, skip_serializing_if = "Option::is_none")] role: Option<TextRole>,
        #[serde(default, skip_serializing_if = "Option::is_none")] name: Option<String>,
    },
    TextMessageContent { message_id: Id, delta: String },
    TextMessageEnd { message_id: Id },
    TextMessageChunk {
        #[serde(default, skip_serializing_if = "Option::is_none")] message_id: Option<Id>,
        #[serde(default, skip_serializing_if = "Option::is_none")] role: Option<TextRole>,
        #[serde(default, skip_serializing_if = "Option::is_none")] delta: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")] name: Option<String>,
    },
    ToolCallStart {
        tool_call_id: Id, tool_call_name: String,
        #[serde(default, skip_serializing_if = "Option::is_none")] parent_message_id: Option<Id>,
    },
    ToolCallArgs { tool_call_id: Id, delta: String },
    ToolCallEnd { tool_call_id: Id },
    ToolCallChunk {
        #[serde(default, skip_serializing_if = "Option::is_none")] tool_call_id: Option<Id>,
        #[serde(default, skip_serializing_if = "Option::is_none")] tool_call_name: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")] parent_message_id: Option<Id>,
        #[serde(default, skip_serializing_if = "Option::is_none")] delta: Option<String>,
    },
    ToolCallResult {
        message_id: Id, tool_call_id: Id, content: Content,
        #[serde(default, skip_serializing_if = "Option::is_none")] role: Option<ToolRole>,
    },
    StateSnapshot { snapshot: Value },
    StateDelta { delta: Vec<Value> },
    MessagesSnapshot { messages: Vec<Message> },
    ActivitySnapshot {
        message_id: Id, activity_type: String, content: Map<String, Value>,
        #[serde(default, skip_serializing_if = "Option::is_none")] replace: Option<bool>,
    },
    ActivityDelta { message_id: Id, activity_type: String, patch: Vec<Value> },
    Raw {
        event: Value,
        #[serde(default, skip_serializing_if = "Option::is_none")] source: Option<String>,
    },
    Custom { name: String, value: Value },
    ReasoningStart { message_id: Id },
    ReasoningMessageStart { message_id: Id, role: ReasoningRole },
    ReasoningMessageContent { message_id: Id, delta: String },
    ReasoningMessageEnd { message_id: Id },
    ReasoningMessageChunk {
        #[serde(default, skip_serializing_if = "Option::is_none")] message_id: Option<Id>,
        #[serde(default, skip_serializing_if = "Option::is_none")] delta: Option<String>,
    },
    ReasoningEnd { message_id: Id },
    ReasoningEncryptedValue { subtype: EncryptedSubtype, entity_id: Id, encrypted_value: String },
    // The identity of these three is `Event::subagent_run_id`, which they require.
    SubagentStarted {
        name: String,
        #[serde(default, skip_serializing_if = "Option::is_none")] description: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")] parent_subagent_run_id: Option<Id>,
        #[serde(default, skip_serializing_if = "Option::is_none")] parent_tool_call_id: Option<Id>,
        #[serde(default, skip_serializing_if = "Option::is_none")] parent_message_id: Option<Id>,
    },
    SubagentFinished {
        #[serde(default, skip_serializing_if = "is_absent")] result: Option<Value>,
        #[serde(default, skip_serializing_if = "Option::is_none")] outcome: Option<SubagentOutcome>,
    },
    SubagentError {
        message: String,
        #[serde(default, skip_serializing_if = "Option::is_none")] code: Option<String>,
    },
}

impl EventKind {
    /// The kind's name on the wire, `TEXT_MESSAGE_START` and so on.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::RunStarted { .. } => "RUN_STARTED",
            Self::RunFinished { .. } => "RUN_FINISHED",
            Self::RunError { .. } => "RUN_ERROR",
            Self::StepStarted { .. } => "STEP_STARTED",
            Self::StepFinished { .. } => "STEP_FINISHED",
            Self::TextMessageStart { .. } => "TEXT_MESSAGE_START",
            Self::TextMessageContent { .. } => "TEXT_MESSAGE_CONTENT",
            Self::TextMessageEnd { .. } => "TEXT_MESSAGE_END",
            Self::TextMessageChunk { .. } => "TEXT_MESSAGE_CHUNK",
            Self::ToolCallStart { .. } => "TOOL_CALL_START",
            Self::ToolCallArgs { .. } => "TOOL_CALL_ARGS",
            Self::ToolCallEnd { .. } => "TOOL_CALL_END",
            Self::ToolCallChunk { .. } => "TOOL_CALL_CHUNK",
            Self::ToolCallResult { .. } => "TOOL_CALL_RESULT",
            Self::StateSnapshot { .. } => "STATE_SNAPSHOT",
            Self::StateDelta { .. } => "STATE_DELTA",
            Self::MessagesSnapshot { .. } => "MESSAGES_SNAPSHOT",
            Self::ActivitySnapshot { .. } => "ACTIVITY_SNAPSHOT",
            Self::ActivityDelta { .. } => "ACTIVITY_DELTA",
            Self::Raw { .. } => "RAW",
            Self::Custom { .. } => "CUSTOM",
            Self::ReasoningStart { .. } => "REASONING_START",
            Self::ReasoningMessageStart { .. } => "REASONING_MESSAGE_START",
            Self::ReasoningMessageContent { .. } => "REASONING_MESSAGE_CONTENT",
            Self::ReasoningMessageEnd { .. } => "REASONING_MESSAGE_END",
            Self::ReasoningMessageChunk { .. } => "REASONING_MESSAGE_CHUNK",
            Self::ReasoningEnd { .. } => "REASONING_END",
            Self::ReasoningEncryptedValue { .. } => "REASONING_ENCRYPTED_VALUE",
            Self::SubagentStarted { .. } => "SUBAGENT_STARTED",
            Self::SubagentFinished { .. } => "SUBAGENT_FINISHED",
            Self::SubagentError { .. } => "SUBAGENT_ERROR",
        }
    }

    /// Whether the event belongs to the run as a whole, so never to one sub-agent.
    #[must_use]
    pub fn concerns_whole_run(&self) -> bool {
        matches!(
            self,
            Self::RunStarted { .. } | Self::RunFinished { .. } | Self::RunError { .. } | Self::MessagesSnapshot { .. }
        )
    }

    /// Whether the event ends its run.
    #[must_use]
    pub fn is_terminal(&self) -> bool {
        matches!(self, Self::RunFinished { .. } | Self::RunError { .. })
    }

    /// Whether the event starts or ends a sub-agent.
    #[must_use]
    pub fn is_subagent_boundary(&self) -> bool {
        matches!(self, Self::SubagentStarted { .. } | Self::SubagentFinished { .. } | Self::SubagentError { .. })
    }
}
