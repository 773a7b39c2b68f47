//! Redaction of messages and their content.

use crate::{
    agui::{Content, ContentPart, FunctionCall, MediaSource, Message, MessageCommon, ToolCall},
    security::Redactor,
};

use super::members::{Redact, each};

impl Redact for Message {
    #[rustfmt::skip]
    fn redact(&mut self, redactor: &Redactor) {
        let r = redactor;
        match self {
            Self::Developer { id, content, common } | Self::System { id, content, common } => {
                each(r, [id, content, common]);
            }
            Self::User { id, content, common } => each(r, [id, content, common]),
            Self::Assistant { id, content, tool_calls, common } => each(r, [id, content, tool_calls, common]),
            Self::Tool { id, tool_call_id, content, error, encrypted_value, metadata, subagent_run_id } => {
                each(r, [id, tool_call_id, content, error, encrypted_value, metadata, subagent_run_id]);
            }
            Self::Activity { id, activity_type, content, metadata, subagent_run_id } => {
                each(r, [id, activity_type, content, metadata, subagent_run_id]);
            }
            Self::Reasoning { id, content, encrypted_value, metadata, subagent_run_id } => {
                each(r, [id, content, encrypted_value, metadata, subagent_run_id]);
            }
        }
    }
}

impl Redact for MessageCommon {
    fn redact(&mut self, redactor: &Redactor) {
        let Self { name, encrypted_value, metadata, subagent_run_id } = self;
        each(redactor, [name, encrypted_value, metadata, subagent_run_id]);
    }
}

impl Redact for ToolCall {
    fn redact(&mut self, redactor: &Redactor) {
        let Self { id, kind: _, function: FunctionCall { name, arguments }, encrypted_value, metadata } = self;
        each(redactor, [id, name, arguments, encrypted_value, metadata]);
    }
}

impl Redact for Content {
    fn redact(&mut self, redactor: &Redactor) {
        match self {
            Self::Text(text) => text.redact(redactor),
            Self::Parts(parts) => parts.redact(redactor),
        }
    }
}

impl Redact for ContentPart {
    fn redact(&mut self, redactor: &Redactor) {
        match self {
            Self::Text { text, id, metadata } => each(redactor, [text, id, metadata]),
            Self::Image { source, id, metadata }
            | Self::Audio { source, id, metadata }
            | Self::Video { source, id, metadata }
            | Self::Document { source, id, metadata } => each(redactor, [source, id, metadata]),
        }
    }
}

impl Redact for MediaSource {
    fn redact(&mut self, redactor: &Redactor) {
        match self {
            Self::Data { value, mime_type } => each(redactor, [value, mime_type]),
            Self::Url { value, mime_type } => each(redactor, [value, mime_type]),
            Self::File { value, provider, mime_type } => each(redactor, [value, provider, mime_type]),
        }
    }
}
