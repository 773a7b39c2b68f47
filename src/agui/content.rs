//! What a message contains: text, or text and media.

use std::fmt;

use serde::{
    Deserialize, Deserializer, Serialize,
    de::{SeqAccess, Visitor, value::SeqAccessDeserializer},
};
use serde_json::Value;

use super::{Id, wire::is_absent};

/// Text, or a list of parts.
#[derive(Debug, Clone, PartialEq, Serialize)]
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
    Text {
        text: String,
        #[serde(default, skip_serializing_if = "Option::is_none")] id: Option<Id>,
        #[serde(default, skip_serializing_if = "is_absent")] metadata: Option<Value>,
    },
    Image {
        source: MediaSource,
        #[serde(default, skip_serializing_if = "Option::is_none")] id: Option<Id>,
        #[serde(default, skip_serializing_if = "is_absent")] metadata: Option<Value>,
    },
    Audio {
        source: MediaSource,
        #[serde(default, skip_serializing_if = "Option::is_none")] id: Option<Id>,
        #[serde(default, skip_serializing_if = "is_absent")] metadata: Option<Value>,
    },
    Video {
        source: MediaSource,
        #[serde(default, skip_serializing_if = "Option::is_none")] id: Option<Id>,
        #[serde(default, skip_serializing_if = "is_absent")] metadata: Option<Value>,
    },
    Document {
        source: MediaSource,
        #[serde(default, skip_serializing_if = "Option::is_none")] id: Option<Id>,
        #[serde(default, skip_serializing_if = "is_absent")] metadata: Option<Value>,
    },
}

/// Where a part's media comes from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase", rename_all_fields = "camelCase")]
#[expect(missing_docs, reason = "the members are those of the AG-UI 1.0 specification, under its names")]
#[rustfmt::skip]
pub enum MediaSource {
    Data { value: String, #[serde(alias = "mime_type")] mime_type: String },
    Url { value: String, #[serde(default, alias = "mime_type", skip_serializing_if = "Option::is_none")] mime_type: Option<String> },
    File {
        value: String,
        #[serde(default, skip_serializing_if = "Option::is_none")] provider: Option<String>,
        #[serde(default, alias = "mime_type", skip_serializing_if = "Option::is_none")] mime_type: Option<String>,
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
            Self::Text { text, .. } => Some(text),
            Self::Image { .. } | Self::Audio { .. } | Self::Video { .. } | Self::Document { .. } => None,
        }
    }
}

impl From<&str> for Content {
    fn from(text: &str) -> Self {
        Self::Text(text.into())
    }
}

impl From<String> for Content {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&str> for ContentPart {
    fn from(text: &str) -> Self {
        Self::from(text.to_owned())
    }
}

impl From<String> for ContentPart {
    fn from(text: String) -> Self {
        Self::Text { text, id: None, metadata: None }
    }
}

// By hand, because an untagged enum cannot say which part is wrong and what was expected.
impl<'de> Deserialize<'de> for Content {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ContentVisitor)
    }
}

struct ContentVisitor;

impl<'de> Visitor<'de> for ContentVisitor {
    type Value = Content;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("text or a list of content parts")
    }

    fn visit_str<E>(self, text: &str) -> Result<Content, E> {
        Ok(Content::from(text))
    }

    fn visit_string<E>(self, text: String) -> Result<Content, E> {
        Ok(Content::Text(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, parts: A) -> Result<Content, A::Error> {
        Vec::deserialize(SeqAccessDeserializer::new(parts)).map(Content::Parts)
    }
}
