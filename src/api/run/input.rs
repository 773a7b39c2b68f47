//! What a Run tells the agent when it is more than one prompt.

#![expect(unreachable_pub, reason = "the KubeSchema derive copies `pub` structs into functions")]

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::api::rules;

/// A message to the agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = rules::TOOL_MESSAGE.rule())]
pub struct InputMessage {
    /// The message's id; default: one made from the Run's id and the message's place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 128))]
    pub id: Option<String>,
    /// Who speaks.
    pub role: MessageRole,
    /// The text.
    #[schemars(length(max = 262_144))]
    pub content: String,
    /// The call that a message of role tool answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 128))]
    pub tool_call_id: Option<String>,
}

/// Who speaks in a message to the agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum MessageRole {
    /// A person.
    User,
    /// A tool that the client executes: the message is its result.
    Tool,
}

/// The answer to one thing that the run before asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Answer {
    /// The id of the interrupt, from status.interrupts of the Run that asks.
    #[schemars(length(min = 1, max = 128))]
    pub interrupt_id: String,
    /// Whether it is answered or declined.
    #[serde(default)]
    pub status: AnswerStatus,
    /// The answer, in the form that the interrupt asks for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "rules::open_value")]
    pub payload: Option<Value>,
}

/// Whether a question is answered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum AnswerStatus {
    /// It is answered.
    #[default]
    Resolved,
    /// The person declines to answer.
    Cancelled,
}
