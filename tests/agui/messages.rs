//! Folding events into messages and state. The official client's own results are compared in `agui_official.rs`.

use ambient::agui::*;
use serde_json::{Value, json};

use crate::stream::{events, fold};

fn messages(run: &Value) -> Value {
    let mut all = vec![json!(["RUN_STARTED", {"threadId": "t", "runId": "r"}])];
    all.extend(run.as_array().unwrap().iter().cloned());
    serde_json::to_value(fold(&events(&json!(all))).messages()).unwrap()
}

#[test]
fn text_reasoning_and_calls_become_messages() {
    let found = messages(&json!([
        ["REASONING_MESSAGE_START", {"messageId": "x", "role": "reasoning"}],
        ["REASONING_MESSAGE_CONTENT", {"messageId": "x", "delta": "hm"}],
        ["REASONING_MESSAGE_END", {"messageId": "x"}],
        ["REASONING_ENCRYPTED_VALUE", {"subtype": "message", "entityId": "x", "encryptedValue": "sig"}],
        ["TEXT_MESSAGE_START", {"messageId": "d", "role": "developer", "name": "platform"}],
        ["TEXT_MESSAGE_CONTENT", {"messageId": "d", "delta": "set up"}],
        ["TEXT_MESSAGE_START", {"messageId": "m", "subagentRunId": "s"}],
        ["TEXT_MESSAGE_CONTENT", {"messageId": "m", "delta": "I "}],
        ["TOOL_CALL_START", {"toolCallId": "c", "toolCallName": "f", "parentMessageId": "m"}],
        ["TOOL_CALL_ARGS", {"toolCallId": "c", "delta": "{\"a\":"}],
        ["TEXT_MESSAGE_CONTENT", {"messageId": "m", "delta": "call"}],
        ["TOOL_CALL_ARGS", {"toolCallId": "c", "delta": "1}", "metadata": {"k": 1}}],
        ["TOOL_CALL_START", {"toolCallId": "alone", "toolCallName": "g"}],
    ]));
    let function = json!({"name": "f", "arguments": "{\"a\":1}"});
    let alone = json!({"id": "alone", "type": "function", "function": {"name": "g", "arguments": ""}});
    let expected = json!([
        {"role": "reasoning", "id": "x", "content": "hm", "encryptedValue": "sig"},
        {"role": "developer", "id": "d", "content": "set up", "name": "platform"},
        {"role": "assistant", "id": "m", "content": "I call", "subagentRunId": "s",
            "toolCalls": [{"id": "c", "type": "function", "function": function, "metadata": {"k": 1}}]},
        {"role": "assistant", "id": "alone", "toolCalls": [alone]},
    ]);
    assert_eq!(found, expected);
}

#[test]
fn a_late_result_goes_next_to_its_call_and_later_messages_can_still_be_written() {
    let found = messages(&json!([
        ["TOOL_CALL_START", {"toolCallId": "c1", "toolCallName": "f", "parentMessageId": "m"}],
        ["TOOL_CALL_START", {"toolCallId": "c2", "toolCallName": "f", "parentMessageId": "m"}],
        ["TEXT_MESSAGE_START", {"messageId": "later"}],
        ["TOOL_CALL_RESULT", {"messageId": "r2", "toolCallId": "c2", "content": "two"}],
        ["TOOL_CALL_RESULT", {"messageId": "r1", "toolCallId": "c1", "content": [{"type": "text", "text": "one"}]}],
        ["TOOL_CALL_RESULT", {"messageId": "r?", "toolCallId": "unknown", "content": "?"}],
        ["TEXT_MESSAGE_CONTENT", {"messageId": "later", "delta": "done"}],
        ["TOOL_CALL_ARGS", {"toolCallId": "c1", "delta": "{}"}],
    ]));
    let ids: Vec<&Value> = found.as_array().unwrap().iter().map(|message| &message["id"]).collect();
    assert_eq!(ids, ["m", "r2", "r1", "later", "r?"]);
    assert_eq!(found[3]["content"], "done");
    assert_eq!(found[0]["toolCalls"][0]["function"]["arguments"], "{}");
}

#[test]
fn a_call_that_begins_again_keeps_its_arguments() {
    let found = messages(&json!([
        ["TOOL_CALL_START", {"toolCallId": "c", "toolCallName": "f"}],
        ["TOOL_CALL_ARGS", {"toolCallId": "c", "delta": "{}"}],
        ["TOOL_CALL_END", {"toolCallId": "c"}],
        ["TOOL_CALL_START", {"toolCallId": "c", "toolCallName": "g", "parentMessageId": "other"}],
    ]));
    assert_eq!(found.as_array().unwrap().len(), 1);
    assert_eq!(found[0]["toolCalls"][0]["function"], json!({"name": "g", "arguments": "{}"}));
}

#[test]
fn a_snapshot_restates_the_conversation_but_reasoning_and_activities_it_cannot_know_stay() {
    let found = messages(&json!([
        ["TEXT_MESSAGE_START", {"messageId": "gone"}],
        ["REASONING_MESSAGE_START", {"messageId": "x", "role": "reasoning"}],
        ["ACTIVITY_SNAPSHOT", {"messageId": "v", "activityType": "plan", "content": {"n": 1}}],
        ["TEXT_MESSAGE_START", {"messageId": "m"}],
        ["MESSAGES_SNAPSHOT", {"messages": [
            {"id": "new", "role": "user", "content": "hi"}, {"id": "m", "role": "assistant", "content": "A"}]}],
        ["TEXT_MESSAGE_CONTENT", {"messageId": "m", "delta": "B"}],
        ["ACTIVITY_DELTA", {"messageId": "v", "activityType": "plan", "patch": [{"op": "replace", "path": "/n", "value": 2}]}],
        ["ACTIVITY_DELTA", {"messageId": "v", "activityType": "plan", "patch": [{"op": "remove", "path": "/q"}]}],
    ]));
    let expected = json!([
        {"role": "reasoning", "id": "x", "content": ""},
        {"role": "activity", "id": "v", "activityType": "plan", "content": {"n": 2}},
        {"role": "assistant", "id": "m", "content": "AB"},
        {"role": "user", "id": "new", "content": "hi"},
    ]);
    assert_eq!(found, expected);
}

#[test]
fn the_inputs_of_runs_are_history_and_are_there_once() {
    let input =
        |run: &str| json!({"threadId": "t", "runId": run, "messages": [{"id": "u", "role": "user", "content": run}]});
    let thread = fold(&events(&json!([
        ["RUN_STARTED", {"threadId": "t", "runId": "1", "input": input("1")}],
        ["RUN_ERROR", {"message": "m"}],
        ["RUN_STARTED", {"threadId": "t", "runId": "2", "input": input("2")}],
    ])));
    assert_eq!(thread.messages().len(), 1);
    assert!(matches!(&thread.messages()[0], Message::User { content, .. } if content.text() == "1"));
}

#[test]
fn the_state_is_what_snapshots_and_patches_that_fit_make_of_it() {
    let thread = fold(&events(&json!([
        ["RUN_STARTED", {"threadId": "t", "runId": "1"}],
        ["STATE_DELTA", {"delta": [{"op": "add", "path": "/a", "value": 1}]}],
        ["STATE_DELTA", {"delta": [{"op": "add", "path": "/b", "value": 1}, {"op": "remove", "path": "/x"}]}],
    ])));
    assert_eq!(thread.state(), &json!({"a": 1}));
}
