//! Messages and their content.

use ambient::agui::*;
use proptest::{option, prelude::*};

use super::{id, object, solid_json, text};

fn source() -> impl Strategy<Value = MediaSource> {
    prop_oneof![
        (text(), text()).prop_map(|(value, mime_type)| MediaSource::Data { value, mime_type }),
        (text(), option::of(text())).prop_map(|(value, mime_type)| MediaSource::Url { value, mime_type }),
        (text(), option::of(text()), option::of(text())).prop_map(|(value, provider, mime_type)| MediaSource::File {
            value,
            provider,
            mime_type
        }),
    ]
}

fn part() -> impl Strategy<Value = ContentPart> {
    let media = (0..4_u8, source(), option::of(id()), option::of(solid_json()));
    prop_oneof![
        (text(), option::of(id()), option::of(solid_json())).prop_map(|(text, id, metadata)| ContentPart::Text {
            text,
            id,
            metadata
        }),
        media.prop_map(|(kind, source, id, metadata)| match kind {
            0 => ContentPart::Image { source, id, metadata },
            1 => ContentPart::Audio { source, id, metadata },
            2 => ContentPart::Video { source, id, metadata },
            _ => ContentPart::Document { source, id, metadata },
        }),
    ]
}

pub(crate) fn content() -> impl Strategy<Value = Content> {
    prop_oneof![text().prop_map(Content::Text), prop::collection::vec(part(), 0..3).prop_map(Content::Parts),]
}

fn common() -> impl Strategy<Value = MessageCommon> {
    (option::of(text()), option::of(text()), option::of(object()), option::of(id())).prop_map(
        |(name, encrypted_value, metadata, subagent_run_id)| MessageCommon {
            name,
            encrypted_value,
            metadata,
            subagent_run_id,
        },
    )
}

fn tool_call() -> impl Strategy<Value = ToolCall> {
    (id(), text(), text(), option::of(text()), option::of(object())).prop_map(
        |(id, name, arguments, encrypted_value, metadata)| ToolCall {
            id,
            kind: ToolCallKind::Function,
            function: FunctionCall { name, arguments },
            encrypted_value,
            metadata,
        },
    )
}

pub(crate) fn message() -> impl Strategy<Value = Message> {
    let calls = prop::collection::vec(tool_call(), 0..3);
    let rest = || (option::of(text()), option::of(object()), option::of(id()));
    prop_oneof![
        (id(), text(), common()).prop_map(|(id, content, common)| Message::Developer { id, content, common }),
        (id(), text(), common()).prop_map(|(id, content, common)| Message::System { id, content, common }),
        (id(), content(), common()).prop_map(|(id, content, common)| Message::User { id, content, common }),
        (id(), option::of(text()), calls, common())
            .prop_map(|(id, content, tool_calls, common)| { Message::Assistant { id, content, tool_calls, common } }),
        (id(), id(), content(), option::of(text()), rest()).prop_map(
            |(id, tool_call_id, content, error, (encrypted_value, metadata, subagent_run_id))| {
                Message::Tool { id, tool_call_id, content, error, encrypted_value, metadata, subagent_run_id }
            }
        ),
        (id(), text(), object(), rest()).prop_map(|(id, activity_type, content, (_, metadata, subagent_run_id))| {
            Message::Activity { id, activity_type, content, metadata, subagent_run_id }
        }),
        (id(), text(), rest()).prop_map(|(id, content, (encrypted_value, metadata, subagent_run_id))| {
            Message::Reasoning { id, content, encrypted_value, metadata, subagent_run_id }
        }),
    ]
}
