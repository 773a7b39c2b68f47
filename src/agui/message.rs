//! Messages of a conversation.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::wire::null_as_empty;
use super::{Content, Id};

/// One message of a conversation, told apart by its role.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "role", rename_all = "lowercase", rename_all_fields = "camelCase")]
#[expect(missing_docs, reason = "the members are those of the AG-UI 1.0 specification, under its names")]
#[rustfmt::skip]
pub enum Message {
    Developer { id: Id, content: String, #[serde(flatten)] common: MessageCommon },
    System { id: Id, content: String, #[serde(flatten)] common: MessageCommon },
    User { id: Id, content: Content, #[serde(flatten)] common: MessageCommon },
    Assistant {
        id: Id,
        #[serde(default, skip_serializing_if = "Option::is_none")] content: Option<String>,
        #[serde(default, alias = "tool_calls", deserialize_with = "null_as_empty", skip_serializing_if = "Vec::is_empty")] tool_calls: Vec<ToolCall>,
        #[serde(flatten)] common: MessageCommon,
    },
    Tool {
        id: Id, #[serde(alias = "tool_call_id")] tool_call_id: Id, content: Content,
        #[serde(default, skip_serializing_if = "Option::is_none")] error: Option<String>,
        #[serde(default, alias = "encrypted_value", skip_serializing_if = "Option::is_none")] encrypted_value: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")] metadata: Option<Map<String, Value>>,
        #[serde(default, skip_serializing_if = "Option::is_none")] subagent_run_id: Option<Id>,
    },
    Activity {
        id: Id, #[serde(alias = "activity_type")] activity_type: String, content: Map<String, Value>,
        #[serde(default, skip_serializing_if = "Option::is_none")] metadata: Option<Map<String, Value>>,
        #[serde(default, skip_serializing_if = "Option::is_none")] subagent_run_id: Option<Id>,
    },
    Reasoning {
        id: Id, content: String,
        #[serde(default, alias = "encrypted_value", skip_serializing_if = "Option::is_none")] encrypted_value: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")] metadata: Option<Map<String, Value>>,
        #[serde(default, skip_serializing_if = "Option::is_none")] subagent_run_id: Option<Id>,
    },
}

/// Members that developer, system, user and assistant messages may have.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the members are those of the AG-UI 1.0 specification, under its names")]
#[rustfmt::skip]
pub struct MessageCommon {
    #[serde(default, skip_serializing_if = "Option::is_none")] pub name: Option<String>,
    #[serde(default, alias = "encrypted_value", skip_serializing_if = "Option::is_none")] pub encrypted_value: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")] pub metadata: Option<Map<String, Value>>,
    #[serde(default, skip_serializing_if = "Option::is_none")] pub subagent_run_id: Option<Id>,
}

/// A tool call inside an assistant message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ToolCall {
    /// The call's id.
    pub id: Id,
    /// Always `function`.
    #[serde(rename = "type")]
    pub kind: ToolCallKind,
    /// What is called.
    pub function: FunctionCall,
    /// An opaque value of the provider that belongs to the call.
    #[serde(default, rename = "encryptedValue", skip_serializing_if = "Option::is_none")]
    pub encrypted_value: Option<String>,
    /// Free metadata.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Map<String, Value>>,
}

/// The only kind of tool call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the values of the protocol")]
pub enum ToolCallKind {
    Function,
}

/// A function's name and its arguments as JSON text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FunctionCall {
    /// The tool's name.
    pub name: String,
    /// JSON text.
    pub arguments: String,
}

impl Message {
    /// The message's id.
    #[must_use]
    pub fn id(&self) -> &Id {
        match self {
            Self::Developer { id, .. }
            | Self::System { id, .. }
            | Self::User { id, .. }
            | Self::Assistant { id, .. }
            | Self::Tool { id, .. }
            | Self::Activity { id, .. }
            | Self::Reasoning { id, .. } => id,
        }
    }

    /// The sub-agent whose message this is; absent for the run's own agent.
    #[must_use]
    pub fn subagent_run_id(&self) -> Option<&Id> {
        let owner = match self {
            Self::Developer { common, .. }
            | Self::System { common, .. }
            | Self::User { common, .. }
            | Self::Assistant { common, .. } => &common.subagent_run_id,
            Self::Tool { subagent_run_id, .. }
            | Self::Activity { subagent_run_id, .. }
            | Self::Reasoning { subagent_run_id, .. } => subagent_run_id,
        };
        owner.as_ref()
    }

    /// The tool calls of an assistant's message.
    #[must_use]
    pub fn tool_calls(&self) -> &[ToolCall] {
        match self {
            Self::Assistant { tool_calls, .. } => tool_calls,
            Self::Developer { .. }
            | Self::System { .. }
            | Self::User { .. }
            | Self::Tool { .. }
            | Self::Activity { .. }
            | Self::Reasoning { .. } => &[],
        }
    }
}
