//! The rules of a stream.

use ambient::agui::*;
use serde_json::{Value, json};

use crate::stream::event;

fn start() -> Value {
    json!(["RUN_STARTED", {"threadId": "t", "runId": "r"}])
}

fn finish() -> Value {
    json!(["RUN_FINISHED", {"threadId": "t", "runId": "r"}])
}

/// Checks the events inside a run; gives what is said of the first bad one.
fn in_run(events: &Value) -> Result<(), String> {
    let mut all = vec![start()];
    all.extend(events.as_array().unwrap().iter().cloned());
    all.push(finish());
    whole(&all)
}

fn whole(events: &[Value]) -> Result<(), String> {
    let mut verifier = Verifier::new("t".into());
    for short in events {
        verifier.check(&event(short)).map_err(|violation| violation.to_string())?;
    }
    verifier.finish().map_err(|violation| violation.to_string())
}

fn assert_refused(events: &Value, expected: &str) {
    assert_eq!(in_run(events).unwrap_err(), expected, "{events}");
}

#[test]
fn a_run_with_every_kind_of_item_passes() {
    let events = json!([
        ["STEP_STARTED", {"stepName": "s"}],
        ["SUBAGENT_STARTED", {"subagentRunId": "a", "name": "helper"}],
        ["STEP_STARTED", {"stepName": "s", "subagentRunId": "a"}],
        ["REASONING_START", {"messageId": "x"}],
        ["REASONING_MESSAGE_START", {"messageId": "x", "role": "reasoning"}],
        ["REASONING_MESSAGE_CONTENT", {"messageId": "x", "delta": "…"}],
        ["REASONING_MESSAGE_END", {"messageId": "x"}],
        ["REASONING_ENCRYPTED_VALUE", {"subtype": "message", "entityId": "x", "encryptedValue": "e"}],
        ["REASONING_END", {"messageId": "x"}],
        ["TEXT_MESSAGE_START", {"messageId": "m", "subagentRunId": "a"}],
        ["TOOL_CALL_START", {"toolCallId": "c", "toolCallName": "f", "parentMessageId": "m"}],
        ["TOOL_CALL_ARGS", {"toolCallId": "c", "delta": "{}", "subagentRunId": "a"}],
        ["TEXT_MESSAGE_CONTENT", {"messageId": "m", "delta": ""}],
        ["TOOL_CALL_END", {"toolCallId": "c"}],
        ["TEXT_MESSAGE_END", {"messageId": "m", "subagentRunId": "a"}],
        ["TOOL_CALL_RESULT", {"messageId": "n", "toolCallId": "c", "content": "ok"}],
        ["STATE_DELTA", {"delta": [{"op": "add", "path": "/~0~1", "value": null}]}],
        ["STEP_FINISHED", {"stepName": "s", "subagentRunId": "a"}],
        ["SUBAGENT_FINISHED", {"subagentRunId": "a"}],
        ["TEXT_MESSAGE_START", {"messageId": "m"}],
        ["TEXT_MESSAGE_END", {"messageId": "m"}],
        ["STEP_FINISHED", {"stepName": "s"}],
    ]);
    assert_eq!(in_run(&events), Ok(()));
}

#[test]
fn nothing_but_whole_runs_is_on_a_stream() {
    let custom = json!(["CUSTOM", {"name": "n", "value": 1}]);
    let error = json!(["RUN_ERROR", {"message": "m"}]);
    let other_thread = json!(["RUN_STARTED", {"threadId": "u", "runId": "r"}]);
    let other_run = json!(["RUN_FINISHED", {"threadId": "t", "runId": "q"}]);
    let wrong_thread = json!(["RUN_FINISHED", {"threadId": "u", "runId": "r"}]);
    let no_run = "no run is active; expected RUN_STARTED first";
    for (events, expected) in [
        (vec![custom.clone()], format!("CUSTOM \"n\": {no_run}")),
        (vec![error.clone()], format!("RUN_ERROR: {no_run}")),
        (vec![start(), finish(), custom], format!("CUSTOM \"n\": {no_run}")),
        (vec![start(), finish(), finish()], format!("RUN_FINISHED \"r\": {no_run}")),
        (vec![start(), error.clone(), finish()], format!("RUN_FINISHED \"r\": {no_run}")),
        (vec![start(), finish(), error], format!("RUN_ERROR: {no_run}")),
        (
            vec![start(), start()],
            "RUN_STARTED \"r\": run \"r\" is still active; expected its RUN_FINISHED or RUN_ERROR first".into(),
        ),
        (vec![start()], "end of stream: run \"r\" has no terminal event; expected RUN_FINISHED or RUN_ERROR".into()),
        (
            vec![start(), finish(), other_thread],
            "RUN_STARTED \"r\": thread \"u\" on the stream of thread \"t\"; expected its own thread id".into(),
        ),
        (vec![start(), other_run], "RUN_FINISHED \"q\": run \"q\" is not the active run; expected \"r\"".into()),
        (
            vec![start(), wrong_thread],
            "RUN_FINISHED \"r\": thread \"u\" on the stream of thread \"t\"; expected its own thread id".into(),
        ),
    ] {
        assert_eq!(whole(&events).unwrap_err(), expected);
    }
}

#[test]
fn items_are_opened_once_continued_while_open_and_closed() {
    for (opener, more, closer, noun, id) in [
        ("TEXT_MESSAGE_START", "TEXT_MESSAGE_CONTENT", "TEXT_MESSAGE_END", "text message", "messageId"),
        (
            "REASONING_MESSAGE_START",
            "REASONING_MESSAGE_CONTENT",
            "REASONING_MESSAGE_END",
            "reasoning message",
            "messageId",
        ),
        ("REASONING_START", "REASONING_END", "REASONING_END", "reasoning span", "messageId"),
        ("TOOL_CALL_START", "TOOL_CALL_ARGS", "TOOL_CALL_END", "tool call", "toolCallId"),
        ("STEP_STARTED", "STEP_FINISHED", "STEP_FINISHED", "step", "stepName"),
        ("SUBAGENT_STARTED", "SUBAGENT_FINISHED", "SUBAGENT_ERROR", "sub-agent", "subagentRunId"),
    ] {
        let members =
            json!({id: "i", "role": role_of(opener), "delta": "d", "toolCallName": "f", "name": "n", "message": "m"});
        let short = |name: &str| json!([name, members]);
        assert_refused(
            &json!([short(opener), short(opener)]),
            &format!("{opener} \"i\": {noun} \"i\" is open already; expected it to be closed first"),
        );
        for orphan in [more, closer] {
            let expected = format!("{orphan} \"i\": {noun} \"i\" is not open; expected {opener} first");
            assert_refused(&json!([short(orphan)]), &expected);
        }
        assert_refused(
            &json!([short(opener)]),
            &format!(
                "RUN_FINISHED \"r\": still open: {noun} \"i\"; expected them to be closed before the run finishes"
            ),
        );
        assert_eq!(in_run(&json!([short(opener), short(closer)])), Ok(()));
    }
}

fn role_of(opener: &str) -> Value {
    if opener.starts_with("REASONING") { json!("reasoning") } else { Value::Null }
}

#[test]
fn a_run_may_fail_with_open_items_and_the_next_run_starts_afresh() {
    let events = [
        start(),
        json!(["TEXT_MESSAGE_START", {"messageId": "m", "subagentRunId": "a"}]),
        json!(["RUN_ERROR", {"message": "x"}]),
        start(),
        json!(["TEXT_MESSAGE_START", {"messageId": "m"}]),
        json!(["TEXT_MESSAGE_END", {"messageId": "m"}]),
        finish(),
    ];
    assert_eq!(whole(&events), Ok(()));
}

#[test]
fn who_names_a_sub_agent_names_the_one_that_began_the_item() {
    let text = |tag: Value| json!(["TEXT_MESSAGE_START", {"messageId": "m", "subagentRunId": tag}]);
    let content = |tag: Value| json!(["TEXT_MESSAGE_CONTENT", {"messageId": "m", "delta": "", "subagentRunId": tag}]);
    let end = json!(["TEXT_MESSAGE_END", {"messageId": "m"}]);
    let call = |tag: Value| json!(["TOOL_CALL_START", {"toolCallId": "c", "toolCallName": "f", "parentMessageId": "m", "subagentRunId": tag}]);
    let call_end = |tag: Value| json!(["TOOL_CALL_END", {"toolCallId": "c", "subagentRunId": tag}]);
    let none = Value::Null;
    let mine = "belongs to the run's own agent, not to sub-agent \"a\"";
    for (events, expected) in [
        (json!([text(none.clone()), content(json!("a"))]), format!("TEXT_MESSAGE_CONTENT \"m\": message \"m\" {mine}")),
        (json!([text(none.clone()), end, text(json!("a"))]), format!("TEXT_MESSAGE_START \"m\": message \"m\" {mine}")),
        (json!([text(none.clone()), call(json!("a"))]), format!("TOOL_CALL_START \"c\": message \"m\" {mine}")),
        (
            json!([["TOOL_CALL_START", {"toolCallId": "m", "toolCallName": "f"}], call(json!("a"))]),
            format!("TOOL_CALL_START \"c\": message \"m\" {mine}"),
        ),
        (
            json!([
                ["REASONING_START", {"messageId": "x", "subagentRunId": "a"}],
                ["REASONING_MESSAGE_START", {"messageId": "x", "role": "reasoning"}],
            ]),
            "REASONING_MESSAGE_START \"x\": reasoning \"x\" belongs to sub-agent \"a\", not to the run's own agent"
                .into(),
        ),
        (json!([call(none.clone()), text(json!("a"))]), format!("TEXT_MESSAGE_START \"m\": message \"m\" {mine}")),
        (
            json!([text(json!("a")), call(none.clone()), call_end(json!("b"))]),
            "TOOL_CALL_END \"c\": tool call \"c\" belongs to sub-agent \"a\", not to sub-agent \"b\"".into(),
        ),
        (
            json!([
                ["TOOL_CALL_START", {"toolCallId": "c", "toolCallName": "f", "subagentRunId": "b"}],
                call_end(none.clone()),
                text(json!("a")),
                call(none),
            ]),
            "TOOL_CALL_START \"c\": tool call \"c\" belongs to sub-agent \"b\", not to sub-agent \"a\"".into(),
        ),
        (
            json!([
                ["ACTIVITY_SNAPSHOT", {"messageId": "v", "activityType": "t", "content": {}, "subagentRunId": "a"}],
                ["ACTIVITY_SNAPSHOT", {"messageId": "v", "activityType": "t", "content": {}, "subagentRunId": "b", "replace": false}],
                ["ACTIVITY_DELTA", {"messageId": "v", "activityType": "t", "patch": [], "subagentRunId": "b"}],
            ]),
            "ACTIVITY_DELTA \"v\": activity \"v\" belongs to sub-agent \"a\", not to sub-agent \"b\"".into(),
        ),
        (
            json!([
                ["MESSAGES_SNAPSHOT", {"messages": [{"id": "x", "role": "reasoning", "content": "", "subagentRunId": "a"}]}],
                ["REASONING_ENCRYPTED_VALUE", {"subtype": "message", "entityId": "x", "encryptedValue": "e", "subagentRunId": "b"}],
            ]),
            "REASONING_ENCRYPTED_VALUE \"x\": reasoning \"x\" belongs to sub-agent \"a\", not to sub-agent \"b\""
                .into(),
        ),
        (
            json!([["STEP_STARTED", {"stepName": "s"}], ["STEP_FINISHED", {"stepName": "s", "subagentRunId": "a"}]]),
            "STEP_FINISHED \"s\": step \"s\" is not open; expected STEP_STARTED first".into(),
        ),
    ] {
        assert_refused(&events, &expected);
    }
}

#[test]
fn a_message_that_a_snapshot_left_out_is_made_anew_by_its_owner_only() {
    let snapshot = json!(["MESSAGES_SNAPSHOT", {"messages": [{"id": "w", "role": "activity", "activityType": "t", "content": {}}]}]);
    let text = |tag: Value| json!(["TEXT_MESSAGE_START", {"messageId": "m", "subagentRunId": tag}]);
    let end = json!(["TEXT_MESSAGE_END", {"messageId": "m"}]);
    let call = |tag: Value| json!(["TOOL_CALL_START", {"toolCallId": "c", "toolCallName": "f", "parentMessageId": "m", "subagentRunId": tag}]);
    let call_end = json!(["TOOL_CALL_END", {"toolCallId": "c"}]);
    let shown = |tag: Value, replace: bool| json!(["ACTIVITY_SNAPSHOT", {"messageId": "v", "activityType": "t", "content": {}, "subagentRunId": tag, "replace": replace}]);
    let (none, a) = (Value::Null, json!("a"));
    let theirs = "belongs to sub-agent \"a\", not to the run's own agent";
    let left_out = |more: [Value; 1]| {
        let before = [text(a.clone()), end.clone(), shown(a.clone(), true), snapshot.clone()];
        Value::Array(before.into_iter().chain(more).collect())
    };
    assert_refused(&left_out([text(none.clone())]), &format!("TEXT_MESSAGE_START \"m\": message \"m\" {theirs}"));
    assert_refused(&left_out([call(none.clone())]), &format!("TOOL_CALL_START \"c\": message \"m\" {theirs}"));
    assert_refused(
        &left_out([shown(none.clone(), false)]),
        &format!("ACTIVITY_SNAPSHOT \"v\": activity \"v\" {theirs}"),
    );
    let anew = [
        text(a.clone()),
        end.clone(),
        shown(a.clone(), true),
        snapshot,
        text(a.clone()),
        end.clone(),
        text(none.clone()),
        call(none.clone()),
        call_end,
        end,
        shown(a, false),
        shown(none, false),
    ];
    assert_eq!(in_run(&Value::Array(anew.to_vec())), Ok(()));
}

#[test]
fn the_messages_of_the_input_have_owners_too() {
    let started = json!(["RUN_STARTED", {"threadId": "t", "runId": "r", "input": {"threadId": "t", "runId": "r",
        "messages": [{"id": "m", "role": "assistant", "subagentRunId": "a"}]}}]);
    let reopened = json!(["TEXT_MESSAGE_START", {"messageId": "m", "subagentRunId": "b"}]);
    let expected = "TEXT_MESSAGE_START \"m\": message \"m\" belongs to sub-agent \"a\", not to sub-agent \"b\"";
    assert_eq!(whole(&[started, reopened]).unwrap_err(), expected);
}

#[test]
fn a_sub_agent_is_one_invocation_below_one_that_started() {
    let started = |members: Value| json!(["SUBAGENT_STARTED", members]);
    let a = json!({"subagentRunId": "a", "name": "n"});
    let ended = json!(["SUBAGENT_ERROR", {"subagentRunId": "a", "message": "m"}]);
    assert_refused(
        &json!([started(a.clone()), ended, started(a.clone())]),
        "SUBAGENT_STARTED \"a\": sub-agent \"a\" has already ended in this run; expected a new id",
    );
    let child = json!({"subagentRunId": "b", "name": "n", "parentSubagentRunId": "a"});
    assert_refused(
        &json!([started(child.clone())]),
        "SUBAGENT_STARTED \"b\": parent sub-agent \"a\" has not started in this run; expected its SUBAGENT_STARTED first",
    );
    let b_ended = json!(["SUBAGENT_FINISHED", {"subagentRunId": "b"}]);
    assert_eq!(in_run(&json!([started(a), ended, started(child), b_ended])), Ok(()));
}

#[test]
fn an_event_that_the_schema_would_refuse_is_refused() {
    for (events, expected) in [
        (json!([["SUBAGENT_STARTED", {"name": "n"}]]), "SUBAGENT_STARTED: expected subagentRunId"),
        (
            json!([["MESSAGES_SNAPSHOT", {"messages": [], "subagentRunId": "a"}]]),
            "MESSAGES_SNAPSHOT: belongs to the whole run; expected no subagentRunId",
        ),
        (
            json!([["STATE_DELTA", {"delta": [{"op": "add", "path": "a", "value": 1}]}]]),
            "STATE_DELTA: not a JSON patch: operation 0 is malformed; expected op, path and what the op needs",
        ),
        (
            json!([["TEXT_MESSAGE_CHUNK", {"messageId": "m", "delta": "x"}]]),
            "TEXT_MESSAGE_CHUNK \"m\": chunks are not allowed in a log; expected start, content and end events",
        ),
        (
            json!([["RUN_FINISHED", {"threadId": "t", "runId": "r", "outcome": {"type": "interrupt", "interrupts": []}}]]),
            "RUN_FINISHED \"r\": an interrupt outcome needs at least one interrupt",
        ),
        (
            json!([["RUN_FINISHED", {"threadId": "t", "runId": "r", "outcome": {"type": "interrupt",
                "interrupts": [{"id": "i", "reason": "x"}, {"id": "i", "reason": "x"}]}}]]),
            "RUN_FINISHED \"r\": interrupt \"i\" occurs twice; expected unique ids",
        ),
    ] {
        assert_refused(&events, expected);
    }
}

#[test]
fn a_refused_event_changes_nothing() {
    let mut verifier = Verifier::new("t".into());
    verifier.check(&event(&start())).unwrap();
    verifier.check(&event(&json!(["TEXT_MESSAGE_START", {"messageId": "m"}]))).unwrap();
    for bad in [
        finish(),
        start(),
        json!(["TOOL_CALL_START", {"toolCallId": "c", "toolCallName": "f",
        "parentMessageId": "m", "subagentRunId": "a"}]),
    ] {
        verifier.check(&event(&bad)).unwrap_err();
    }
    assert_eq!(verifier.open_items(), [OpenItem::Text("m".into())]);
    assert_eq!(verifier.run_id(), Some(&"r".into()));
}

#[test]
fn closers_end_what_is_open_the_last_opened_first() {
    let mut verifier = Verifier::new("t".into());
    for short in [
        start(),
        json!(["STEP_STARTED", {"stepName": "s", "subagentRunId": "a"}]),
        json!(["SUBAGENT_STARTED", {"subagentRunId": "a", "name": "n"}]),
        json!(["REASONING_START", {"messageId": "x", "subagentRunId": "a"}]),
        json!(["REASONING_MESSAGE_START", {"messageId": "x", "role": "reasoning", "subagentRunId": "a"}]),
        json!(["TOOL_CALL_START", {"toolCallId": "c", "toolCallName": "f"}]),
        json!(["TEXT_MESSAGE_START", {"messageId": "m", "subagentRunId": "a"}]),
    ] {
        verifier.check(&event(&short)).unwrap();
    }
    let closers = verifier.closers();
    let names: Vec<&str> = closers.iter().map(|event| event.kind.name()).collect();
    let expected = [
        "TEXT_MESSAGE_END",
        "TOOL_CALL_END",
        "REASONING_MESSAGE_END",
        "REASONING_END",
        "SUBAGENT_ERROR",
        "STEP_FINISHED",
    ];
    assert_eq!(names, expected);
    for closer in closers {
        verifier.check(&closer).unwrap();
    }
    verifier.check(&event(&finish())).unwrap();
    verifier.finish().unwrap();
}
