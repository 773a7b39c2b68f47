//! Messages of a conversation and their content.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Id;

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
        #[serde(default, skip_serializing_if = "Vec::is_empty")] tool_calls: Vec<ToolCall>,
        #[serde(flatten)] common: MessageCommon,
    },
    Tool {
        id: Id, tool_call_id: Id, content: Content,
        #[serde(default, skip_serializing_if = "Option::is_none")] error: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")] encrypted_value: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")] metadata: Option<Map<String, Value>>,
        #[serde(default, skip_serializing_if = "Option::is_none")] subagent_run_id: Option<Id>,
    },
    Activity {
        id: Id, activity_type: String, content: Map<String, Value>,
        #[serde(default, skip_serializing_if = "Option::is_none")] metadata: Option<Map<String, Value>>,
        #[serde(default, skip_serializing_if = "Option::is_none")] subagent_run_id: Option<Id>,
    },
    Reasoning {
        id: Id, content: String,
        #[serde(default, skip_serializing_if = "Option::is_none")] encrypted_value: Option<String>,
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
    #[serde(default, skip_serializing_if = "Option::is_none")] pub encrypted_value: Option<String>,
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
    #[serde(
        default,
        rename = "encryptedValue",
        skip_serializing_if = "Option::is_none"
    )]
    pub encrypted_value: Option<String>,
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

/// Text, or a list of parts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Content {
    /// Plain text.
    Text(String),
    /// Text, images and other media.
    Parts(Vec<ContentPart>),
}

/// A part of a message's content.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
#[expect(missing_docs, reason = "the members are those of the AG-UI 1.0 specification, under its names")]
#[rustfmt::skip]
pub enum ContentPart {
    Text { text: String },
    Image { source: MediaSource, #[serde(default, skip_serializing_if = "Option::is_none")] metadata: Option<Value> },
    Audio { source: MediaSource, #[serde(default, skip_serializing_if = "Option::is_none")] metadata: Option<Value> },
    Video { source: MediaSource, #[serde(default, skip_serializing_if = "Option::is_none")] metadata: Option<Value> },
    Document { source: MediaSource, #[serde(default, skip_serializing_if = "Option::is_none")] metadata: Option<Value> },
}

/// Where a part's media comes from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase", rename_all_fields = "camelCase")]
#[expect(missing_docs, reason = "the members are those of the AG-UI 1.0 specification, under its names")]
#[rustfmt::skip]
pub enum MediaSource {
    Data { value: String, mime_type: String },
    Url { value: String, #[serde(default, skip_serializing_if = "Option::is_none")] mime_type: Option<String> },
    File {
        value: String,
        #[serde(default, skip_serializing_if = "Option::is_none")] provider: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")] mime_type: Option<String>,
    },
}

impl Content {
    /// The text of all text parts, joined by newlines.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Parts(parts) => {
                let texts: Vec<&str> = parts.iter().filter_map(ContentPart::text).collect();
                texts.join("\n")
            }
        }
    }
}

impl ContentPart {
    /// The text of a text part.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text { text } => Some(text),
            Self::Image { .. }
            | Self::Audio { .. }
            | Self::Video { .. }
            | Self::Document { .. } => None,
        }
    }
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
}
