//! Compaction.

use ambient::agui::{Event, EventKind, compact};
use proptest::prelude::*;
use serde_json::json;

use crate::random::streams;
use crate::stream::{event, events, fold, verify};

fn compacted(events: Vec<Event>) -> Vec<Event> {
    compact(events, |event| event)
}

#[test]
fn deltas_collapse_at_the_place_of_the_first_and_nothing_else_moves() {
    let long = events(&json!([
        ["TEXT_MESSAGE_START", {"messageId": "m"}],
        ["TEXT_MESSAGE_CONTENT", {"messageId": "m", "delta": "Hel", "timestamp": 1}],
        ["TOOL_CALL_START", {"toolCallId": "c", "toolCallName": "f"}],
        ["TOOL_CALL_ARGS", {"toolCallId": "c", "delta": "{"}],
        ["TEXT_MESSAGE_CONTENT", {"messageId": "m", "delta": "lo", "timestamp": 2}],
        ["CUSTOM", {"name": "n", "value": 1}],
        ["TOOL_CALL_ARGS", {"toolCallId": "c", "delta": "}"}],
        ["TOOL_CALL_END", {"toolCallId": "c"}],
        ["TEXT_MESSAGE_END", {"messageId": "m"}],
        ["REASONING_MESSAGE_START", {"messageId": "x", "role": "reasoning"}],
        ["REASONING_MESSAGE_CONTENT", {"messageId": "x", "delta": "h"}],
        ["REASONING_MESSAGE_CONTENT", {"messageId": "x", "delta": "m"}],
        ["REASONING_MESSAGE_END", {"messageId": "x"}],
    ]));
    let short = events(&json!([
        ["TEXT_MESSAGE_START", {"messageId": "m"}],
        ["TEXT_MESSAGE_CONTENT", {"messageId": "m", "delta": "Hello", "timestamp": 1}],
        ["TOOL_CALL_START", {"toolCallId": "c", "toolCallName": "f"}],
        ["TOOL_CALL_ARGS", {"toolCallId": "c", "delta": "{}"}],
        ["CUSTOM", {"name": "n", "value": 1}],
        ["TOOL_CALL_END", {"toolCallId": "c"}],
        ["TEXT_MESSAGE_END", {"messageId": "m"}],
        ["REASONING_MESSAGE_START", {"messageId": "x", "role": "reasoning"}],
        ["REASONING_MESSAGE_CONTENT", {"messageId": "x", "delta": "hm"}],
        ["REASONING_MESSAGE_END", {"messageId": "x"}],
    ]));
    assert_eq!(compacted(long), short);
}

#[test]
fn what_is_still_open_when_a_run_fails_stays_before_the_terminal_event() {
    let content = |delta: &str| event(&json!(["TEXT_MESSAGE_CONTENT", {"messageId": "m", "delta": delta}]));
    let start = event(&json!(["RUN_STARTED", {"threadId": "t", "runId": "r"}]));
    let open = event(&json!(["TEXT_MESSAGE_START", {"messageId": "m"}]));
    let error = event(&json!(["RUN_ERROR", {"message": "lost"}]));
    let long = vec![start.clone(), open.clone(), content("a"), content("b"), error.clone()];
    assert_eq!(compacted(long), [start, open, content("ab"), error]);
}

#[test]
fn deltas_that_carry_more_than_text_stay_as_they_are() {
    let log = events(&json!([
        ["TEXT_MESSAGE_START", {"messageId": "m"}],
        ["TEXT_MESSAGE_CONTENT", {"messageId": "m", "delta": "a"}],
        ["TEXT_MESSAGE_CONTENT", {"messageId": "m", "delta": "b", "rawEvent": 1}],
        ["TEXT_MESSAGE_CONTENT", {"messageId": "m", "delta": "c", "metadata": {"k": 1}}],
        ["TEXT_MESSAGE_CONTENT", {"messageId": "m", "delta": "d", "subagentRunId": "s"}],
        ["TEXT_MESSAGE_CONTENT", {"messageId": "m", "delta": "e"}],
        ["MESSAGES_SNAPSHOT", {"messages": []}],
        ["TEXT_MESSAGE_CONTENT", {"messageId": "m", "delta": "f"}],
    ]));
    assert_eq!(compacted(log.clone()), log);
}

#[test]
fn records_keep_what_they_hold_besides_the_event() {
    let content = |delta: &str| event(&json!(["TEXT_MESSAGE_CONTENT", {"messageId": "m", "delta": delta}]));
    let log = vec![(7, content("a")), (8, content("b"))];
    assert_eq!(compact(log, |record| &mut record.1), [(7, content("ab"))]);
}

fn is_delta(event: &Event) -> bool {
    matches!(
        event.kind,
        EventKind::TextMessageContent { .. }
            | EventKind::ReasoningMessageContent { .. }
            | EventKind::ToolCallArgs { .. }
    )
}

proptest! {
    #[test]
    fn a_compacted_stream_is_valid_and_means_the_same(log in streams(false), cut in any::<prop::sample::Index>()) {
        let short = compacted(log.clone());
        prop_assert_eq!(verify(&short), Ok(()));
        let (whole, shortened) = (fold(&log), fold(&short));
        prop_assert_eq!(shortened.messages(), whole.messages());
        prop_assert_eq!(shortened.state(), whole.state());
        prop_assert_eq!(compacted(short.clone()), short.clone());
        let rest = |events: &[Event]| -> Vec<Event> {
            events.iter().filter(|event| !is_delta(event)).cloned().collect()
        };
        prop_assert_eq!(rest(&short), rest(&log));

        let (head, tail) = log.split_at(cut.index(log.len() + 1));
        let continued = [compacted(head.to_vec()), tail.to_vec()].concat();
        prop_assert_eq!(verify(&continued), Ok(()));
        let continued = fold(&continued);
        prop_assert_eq!(continued.messages(), whole.messages());
    }
}
