//! The 31 events of AG-UI 1.0.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Content, Id, Interrupt, Message, RunAgentInput, Usage};

/// One event: a kind with its own members, and the members every kind may have.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// What happened.
    #[serde(flatten)]
    pub kind: EventKind,
    /// Milliseconds since the Unix epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<i64>,
    /// The producer's own form of this event, if it passes it on.
    #[serde(default, rename = "rawEvent", skip_serializing_if = "Option::is_none")]
    pub raw_event: Option<Value>,
    /// Free metadata; the key `ag-ui` is reserved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Map<String, Value>>,
    /// The sub-agent this event belongs to. Not allowed on run boundaries and message snapshots, and carried by the
    /// `Subagent*` kinds themselves.
    #[serde(
        default,
        rename = "subagentRunId",
        skip_serializing_if = "Option::is_none"
    )]
    pub subagent_run_id: Option<Id>,
}

impl From<EventKind> for Event {
    fn from(kind: EventKind) -> Self {
        Self {
            kind,
            timestamp: None,
            raw_event: None,
            metadata: None,
            subagent_run_id: None,
        }
    }
}

impl Event {
    /// The same event, attributed to a sub-agent.
    #[must_use]
    pub fn of_subagent(mut self, id: Option<Id>) -> Self {
        self.subagent_run_id = id;
        self
    }
}

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
        #[serde(default, skip_serializing_if = "Option::is_none")] result: Option<Value>,
        #[serde(default, skip_serializing_if = "Option::is_none")] outcome: Option<RunOutcome>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")] usage: Vec<Usage>,
    },
    RunError {
        message: String,
        #[serde(default, skip_serializing_if = "Option::is_none")] code: Option<String>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")] usage: Vec<Usage>,
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
        #[serde(default, skip_serializing_if = "Option::is_none")] result: Option<Value>,
        #[serde(default, skip_serializing_if = "Option::is_none")] outcome: Option<SubagentOutcome>,
    },
    SubagentError {
        message: String,
        #[serde(default, skip_serializing_if = "Option::is_none")] code: Option<String>,
    },
}

/// How a run ended that did not fail. Absent means success.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(
    tag = "type",
    rename_all = "lowercase",
    rename_all_fields = "camelCase"
)]
pub enum RunOutcome {
    /// The run did what it was asked.
    Success {
        /// Frontend tool calls that the client is to answer with tool messages in its next run.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pending_tool_call_ids: Vec<Id>,
    },
    /// The run asks; the next run on the thread answers every interrupt in `resume`.
    Interrupt {
        /// At least one open question.
        interrupts: Vec<Interrupt>,
    },
    /// A person stopped the run.
    Cancelled,
}

/// How a sub-agent ended that did not fail.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(
    tag = "type",
    rename_all = "lowercase",
    rename_all_fields = "camelCase"
)]
pub enum SubagentOutcome {
    /// It finished.
    Success,
    /// It waits for answers.
    Suspended {
        /// The interrupts it waits for.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        interrupt_ids: Vec<Id>,
    },
}

/// Who a streamed text message is from; absent on the wire means the assistant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the roles of the protocol")]
pub enum TextRole {
    Developer,
    System,
    Assistant,
    User,
}

/// The only role a tool result can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the roles of the protocol")]
pub enum ToolRole {
    Tool,
}

/// The only role a reasoning message can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the roles of the protocol")]
pub enum ReasoningRole {
    Reasoning,
}

/// What an encrypted value belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "the values of the protocol")]
pub enum EncryptedSubtype {
    Message,
    ToolCall,
}
