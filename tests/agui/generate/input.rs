//! Run inputs, and what run boundaries hold.

use ambient::agui::*;
use proptest::{option, prelude::*};

use super::{MAX_SAFE, id, message, object, solid_json, text};

pub(super) fn messages() -> impl Strategy<Value = Vec<Message>> {
    prop::collection::vec(message(), 0..3)
}

fn tool() -> impl Strategy<Value = Tool> {
    (text(), text(), option::of(solid_json()), option::of(object()))
        .prop_map(|(name, description, parameters, metadata)| Tool { name, description, parameters, metadata })
}

fn resume() -> impl Strategy<Value = ResumeItem> {
    (id(), any::<bool>(), option::of(solid_json()), option::of(object())).prop_map(
        |(interrupt_id, resolved, payload, metadata)| ResumeItem {
            interrupt_id,
            status: if resolved { ResumeStatus::Resolved } else { ResumeStatus::Cancelled },
            payload,
            metadata,
        },
    )
}

pub(crate) fn input() -> impl Strategy<Value = RunAgentInput> {
    let context = (text(), text()).prop_map(|(description, value)| ContextItem { description, value });
    let lists = (
        messages(),
        prop::collection::vec(tool(), 0..2),
        prop::collection::vec(context, 0..2),
        prop::collection::vec(resume(), 0..2),
    );
    let ids = (id(), id(), option::of(text()), option::of(id()));
    (ids, option::of(solid_json()), option::of(solid_json()), lists).prop_map(
        |((thread_id, run_id, protocol_version, parent_run_id), state, forwarded_props, lists)| {
            let (messages, tools, context, resume) = lists;
            RunAgentInput {
                thread_id,
                run_id,
                protocol_version,
                parent_run_id,
                state,
                messages,
                tools,
                context,
                forwarded_props,
                resume,
            }
        },
    )
}

pub(super) fn interrupt() -> impl Strategy<Value = Interrupt> {
    let texts = (text(), option::of(text()), option::of(text()));
    let ids = (id(), option::of(id()), option::of(id()));
    (ids, texts, option::of(object()), option::of(object())).prop_map(
        |((id, tool_call_id, subagent_run_id), (reason, message, expires_at), response_schema, metadata)| Interrupt {
            id,
            reason,
            message,
            tool_call_id,
            response_schema,
            expires_at,
            metadata,
            subagent_run_id,
        },
    )
}

pub(super) fn usage() -> impl Strategy<Value = Vec<Usage>> {
    let count = || option::of(0..=MAX_SAFE.cast_unsigned());
    let counts = (count(), count(), count(), count(), count(), count());
    let one = (option::of(text()), option::of(text()), counts).prop_map(
        |(provider, model, (input_tokens, output_tokens, total_tokens, reasoning_tokens, cached, written))| Usage {
            provider,
            model,
            input_tokens,
            output_tokens,
            total_tokens,
            reasoning_tokens,
            cached_input_tokens: cached,
            cache_write_input_tokens: written,
        },
    );
    prop::collection::vec(one, 0..3)
}
