//! How runs and sub-agents end, and the small closed sets of the protocol.

use serde::{Deserialize, Serialize};

use super::wire::null_as_empty;
use super::{Id, Interrupt};

/// How a run ended that did not fail. Absent means success.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase", rename_all_fields = "camelCase")]
pub enum RunOutcome {
    /// The run did what it was asked.
    Success {
        /// Frontend tool calls that the client is to answer with tool messages in its next run.
        #[serde(default, deserialize_with = "null_as_empty", skip_serializing_if = "Vec::is_empty")]
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
#[serde(tag = "type", rename_all = "lowercase", rename_all_fields = "camelCase")]
pub enum SubagentOutcome {
    /// It finished.
    Success,
    /// It waits for answers.
    Suspended {
        /// The interrupts it waits for.
        #[serde(default, deserialize_with = "null_as_empty", skip_serializing_if = "Vec::is_empty")]
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
