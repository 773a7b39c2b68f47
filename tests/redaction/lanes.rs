//! What is held back of an item comes out where the protocol allows it.

use ambient::{agui::Event, runner::redact::EventRedactor};
use serde_json::{Value, json};

use crate::samples;

/// What comes out for these events, without the members that are absent.
fn redact(events: &[Value]) -> Vec<Value> {
    let mut redactor = EventRedactor::new(samples::shapes_only());
    let mut out = Vec::new();
    for event in events {
        redactor.apply(serde_json::from_value::<Event>(event.clone()).unwrap(), &mut out);
    }
    out.iter().map(|event| serde_json::to_value(event).unwrap()).collect()
}

fn text(id: &str, delta: &str) -> Value {
    json!({"type": "TEXT_MESSAGE_CONTENT", "messageId": id, "delta": delta})
}

#[test]
fn text_that_was_held_back_comes_before_the_end_of_its_item() {
    let end = json!({"type": "TEXT_MESSAGE_END", "messageId": "a", "timestamp": 7});
    let rest = json!({"type": "TEXT_MESSAGE_CONTENT", "messageId": "a", "delta": "ghp_", "timestamp": 7});
    assert_eq!(redact(&[text("a", "my ghp_"), end.clone()]), [text("a", "my "), rest, end]);
}

#[test]
fn a_delta_of_which_all_is_held_back_is_dropped() {
    let events = [text("a", "ghp_"), text("a", "!")];
    assert_eq!(redact(&events), [text("a", "ghp_!")]);
    assert_eq!(redact(&[text("a", "")]), Vec::<Value>::new());
}

#[test]
fn a_delta_with_metadata_stays_though_it_is_empty() {
    let event = json!({"type": "TEXT_MESSAGE_CONTENT", "messageId": "a", "delta": "", "metadata": {"k": 1}});
    assert_eq!(redact(std::slice::from_ref(&event)), [event]);
}

#[test]
fn an_error_lets_out_what_all_items_held_back_in_the_order_they_were_opened() {
    let args = |delta: &str| json!({"type": "TOOL_CALL_ARGS", "toolCallId": "t", "delta": delta, "subagentRunId": "s"});
    let error = json!({"type": "RUN_ERROR", "message": "it broke"});
    let events = [text("b", "one ghp_"), args("two ghp_"), text("a", "three ghp_"), error.clone()];
    let [b, t, a, rest @ ..] = &redact(&events)[..] else { panic!() };
    assert_eq!([b, t, a], [&text("b", "one "), &args("two "), &text("a", "three ")]);
    assert_eq!(rest, [text("b", "ghp_"), args("ghp_"), text("a", "ghp_"), error]);
}

#[test]
fn nothing_is_left_of_a_run_in_the_next_one() {
    let error = json!({"type": "RUN_ERROR", "message": "it broke"});
    let out = redact(&[text("a", "ghp_"), error.clone(), text("a", "!")]);
    assert_eq!(out, [text("a", "ghp_"), error, text("a", "!")]);
}

#[test]
fn a_chunk_that_opens_an_item_goes_out_without_the_text_that_waits() {
    let chunk = |members: Value| {
        let mut chunk = json!({"type": "TEXT_MESSAGE_CHUNK"});
        chunk.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        chunk
    };
    let custom = json!({"type": "CUSTOM", "name": "n", "value": null});
    let raw = json!({"type": "RAW", "event": {}});
    let events = [
        chunk(json!({"messageId": "a", "role": "assistant", "delta": "ghp"})),
        raw.clone(),
        chunk(json!({"delta": "_"})),
        custom.clone(),
        chunk(json!({"messageId": "b", "delta": "ghp"})),
        chunk(json!({"messageId": "c", "delta": "!"})),
    ];
    let expected = [
        chunk(json!({"messageId": "a", "role": "assistant"})),
        raw,
        chunk(json!({"messageId": "a", "delta": "ghp_"})),
        custom,
        chunk(json!({"messageId": "b"})),
        chunk(json!({"messageId": "b", "delta": "ghp"})),
        chunk(json!({"messageId": "c", "delta": "!"})),
    ];
    assert_eq!(redact(&events), expected);
}

#[test]
fn a_chunk_of_another_sub_agent_does_not_end_an_item() {
    let events = [
        json!({"type": "TEXT_MESSAGE_CHUNK", "messageId": "a", "delta": "ghp", "subagentRunId": "s"}),
        json!({"type": "TEXT_MESSAGE_CHUNK", "messageId": "b", "delta": "between"}),
        json!({"type": "TEXT_MESSAGE_CHUNK", "delta": "_!", "subagentRunId": "s"}),
    ];
    let expected = [
        json!({"type": "TEXT_MESSAGE_CHUNK", "messageId": "a", "subagentRunId": "s"}),
        json!({"type": "TEXT_MESSAGE_CHUNK", "messageId": "b", "delta": "between"}),
        json!({"type": "TEXT_MESSAGE_CHUNK", "delta": "ghp_!", "subagentRunId": "s"}),
    ];
    assert_eq!(redact(&events), expected);
}
