//! What a client sends to start a run, and the small types that run boundaries share.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::wire::{is_absent, is_not_a_count, null_as_empty};
use super::{Id, Message};

/// The input of one run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the members are those of the AG-UI 1.0 specification, under its names")]
#[rustfmt::skip]
pub struct RunAgentInput {
    #[serde(alias = "thread_id")] pub thread_id: Id,
    #[serde(alias = "run_id")] pub run_id: Id,
    #[serde(default, skip_serializing_if = "Option::is_none")] pub protocol_version: Option<String>,
    #[serde(default, alias = "parent_run_id", skip_serializing_if = "Option::is_none")] pub parent_run_id: Option<Id>,
    #[serde(default, skip_serializing_if = "is_absent")] pub state: Option<Value>,
    pub messages: Vec<Message>,
    #[serde(default, deserialize_with = "null_as_empty", skip_serializing_if = "Vec::is_empty")] pub tools: Vec<Tool>,
    #[serde(default, deserialize_with = "null_as_empty", skip_serializing_if = "Vec::is_empty")] pub context: Vec<ContextItem>,
    #[serde(default, alias = "forwarded_props", skip_serializing_if = "is_absent")] pub forwarded_props: Option<Value>,
    #[serde(default, deserialize_with = "null_as_empty", skip_serializing_if = "Vec::is_empty")] pub resume: Vec<ResumeItem>,
}

/// A tool that the client executes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the members are those of the AG-UI 1.0 specification, under its names")]
#[rustfmt::skip]
pub struct Tool {
    pub name: String,
    pub description: String,
    #[serde(default, skip_serializing_if = "is_absent")] pub parameters: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")] pub metadata: Option<Map<String, Value>>,
}

/// A piece of context that the client gives the agent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the members are those of the AG-UI 1.0 specification, under its names")]
pub struct ContextItem {
    pub description: String,
    pub value: String,
}

/// The answer to one interrupt.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the members are those of the AG-UI 1.0 specification, under its names")]
#[rustfmt::skip]
pub struct ResumeItem {
    pub interrupt_id: Id,
    pub status: ResumeStatus,
    #[serde(default, skip_serializing_if = "is_absent")] pub payload: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")] pub metadata: Option<Map<String, Value>>,
}

/// Whether an interrupt was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the values of the protocol")]
pub enum ResumeStatus {
    Resolved,
    Cancelled,
}

/// An open question of a run that ended by asking.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the members are those of the AG-UI 1.0 specification, under its names")]
#[rustfmt::skip]
pub struct Interrupt {
    pub id: Id,
    pub reason: String,
    #[serde(default, skip_serializing_if = "Option::is_none")] pub message: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")] pub tool_call_id: Option<Id>,
    #[serde(default, skip_serializing_if = "Option::is_none")] pub response_schema: Option<Map<String, Value>>,
    #[serde(default, skip_serializing_if = "Option::is_none")] pub expires_at: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")] pub metadata: Option<Map<String, Value>>,
    #[serde(default, skip_serializing_if = "Option::is_none")] pub subagent_run_id: Option<Id>,
}

/// Tokens that a run used with one model. `input_tokens` includes cache reads and writes; absent is not zero.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the members are those of the AG-UI 1.0 specification, under its names")]
#[rustfmt::skip]
pub struct Usage {
    #[serde(default, skip_serializing_if = "Option::is_none")] pub provider: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")] pub model: Option<String>,
    #[serde(default, skip_serializing_if = "is_not_a_count")] pub input_tokens: Option<u64>,
    #[serde(default, skip_serializing_if = "is_not_a_count")] pub output_tokens: Option<u64>,
    #[serde(default, skip_serializing_if = "is_not_a_count")] pub total_tokens: Option<u64>,
    #[serde(default, skip_serializing_if = "is_not_a_count")] pub reasoning_tokens: Option<u64>,
    #[serde(default, skip_serializing_if = "is_not_a_count")] pub cached_input_tokens: Option<u64>,
    #[serde(default, skip_serializing_if = "is_not_a_count")] pub cache_write_input_tokens: Option<u64>,
}
