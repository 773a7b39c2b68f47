//! Joining a thread at any event.

use ambient::agui::*;
use proptest::prelude::*;
use serde_json::json;

use crate::random::streams;
use crate::stream::{events, fold, verify};

fn names(events: &[Event]) -> Vec<&'static str> {
    events.iter().map(|event| event.kind.name()).collect()
}

#[test]
fn a_thread_without_runs_has_no_prelude() {
    assert_eq!(Thread::new().prelude(), []);
}

#[test]
fn who_joins_in_the_middle_gets_the_text_so_far_and_what_is_open() {
    let prelude = fold(&events(&json!([
        ["RUN_STARTED", {"threadId": "t", "runId": "r", "timestamp": 5, "input": {"threadId": "t", "runId": "r",
            "messages": [{"id": "u", "role": "user", "content": "hi"}], "state": {"n": 1}}}],
        ["STEP_STARTED", {"stepName": "s"}],
        ["SUBAGENT_STARTED", {"subagentRunId": "a", "name": "parent"}],
        ["SUBAGENT_STARTED", {"subagentRunId": "b", "name": "child", "parentSubagentRunId": "a"}],
        ["SUBAGENT_FINISHED", {"subagentRunId": "a"}],
        ["STATE_DELTA", {"delta": [{"op": "replace", "path": "/n", "value": 2}]}],
        ["TEXT_MESSAGE_START", {"messageId": "m", "subagentRunId": "b", "metadata": {"k": 1}}],
        ["TEXT_MESSAGE_CONTENT", {"messageId": "m", "delta": "so far"}],
    ])))
    .prelude();
    let expected = events(&json!([
        ["RUN_STARTED", {"threadId": "t", "runId": "r", "timestamp": 5,
            "input": {"threadId": "t", "runId": "r", "messages": [], "state": {"n": 1}}}],
        ["MESSAGES_SNAPSHOT", {"messages": [
            {"id": "u", "role": "user", "content": "hi"},
            {"id": "m", "role": "assistant", "content": "so far", "subagentRunId": "b", "metadata": {"k": 1}},
        ]}],
        ["STATE_SNAPSHOT", {"snapshot": {"n": 2}}],
        ["SUBAGENT_STARTED", {"subagentRunId": "a", "name": "parent"}],
        ["SUBAGENT_STARTED", {"subagentRunId": "b", "name": "child", "parentSubagentRunId": "a"}],
        ["SUBAGENT_FINISHED", {"subagentRunId": "a"}],
        ["STEP_STARTED", {"stepName": "s"}],
        ["TEXT_MESSAGE_START", {"messageId": "m", "subagentRunId": "b"}],
    ]));
    assert_eq!(prelude, expected);
}

#[test]
fn who_joins_between_runs_gets_the_last_run_in_short() {
    let thread = fold(&events(&json!([
        ["RUN_STARTED", {"threadId": "t", "runId": "r"}],
        ["TEXT_MESSAGE_START", {"messageId": "m"}],
        ["TEXT_MESSAGE_END", {"messageId": "m"}],
        ["RUN_FINISHED", {"threadId": "t", "runId": "r",
            "outcome": {"type": "interrupt", "interrupts": [{"id": "i", "reason": "input_required"}]}}],
    ])));
    let prelude = thread.prelude();
    assert_eq!(names(&prelude), ["RUN_STARTED", "MESSAGES_SNAPSHOT", "STATE_SNAPSHOT", "RUN_FINISHED"]);
    assert_eq!(prelude.last(), thread.last_terminal());
    assert_eq!(thread.active_run(), None);
    assert_eq!(verify(&prelude), Ok(()));
}

#[test]
fn history_keeps_its_order_when_the_input_repeats_a_part_of_it() {
    let thread = fold(&events(&json!([
        ["RUN_STARTED", {"threadId": "t", "runId": "1", "input": {"threadId": "t", "runId": "1",
            "messages": [{"id": "u1", "role": "user", "content": "first"}]}}],
        ["RUN_FINISHED", {"threadId": "t", "runId": "1"}],
        ["RUN_STARTED", {"threadId": "t", "runId": "2", "input": {"threadId": "t", "runId": "2",
            "messages": [{"id": "u2", "role": "user", "content": "second"}]}}],
    ])));
    let joined = fold(&thread.prelude());
    let ids: Vec<&str> = joined.messages().iter().map(|message| &**message.id()).collect();
    assert_eq!(ids, ["u1", "u2"]);
    assert_eq!(joined.active_run(), Some(&"2".into()));
}

proptest! {
    #[test]
    fn joining_at_any_event_is_valid_and_ends_where_everybody_else_is(log in streams(false)) {
        let whole = fold(&log);
        for at in 0..=log.len() {
            let (head, tail) = log.split_at(at);
            let joined = [fold(head).prelude(), tail.to_vec()].concat();
            prop_assert_eq!(verify(&joined), Ok(()), "joined at {}", at);
            let end = fold(&joined);
            prop_assert_eq!(end.messages(), whole.messages(), "joined at {}", at);
            prop_assert_eq!(end.state(), whole.state(), "joined at {}", at);
        }
    }
}
