//! Bodies of run requests.

use ambient::agui::*;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::generate;

fn parse(body: &Value) -> Result<RunAgentInput, Vec<InputError>> {
    parse_input(body.to_string().as_bytes())
}

/// The errors as a client sees them: `[[type, loc, msg]]`.
fn errors(body: &Value) -> Value {
    let errors = parse(body).unwrap_err();
    errors
        .iter()
        .map(|error| serde_json::to_value(error).unwrap())
        .map(|error| json!([error["type"], error["loc"], error["msg"]]))
        .collect()
}

#[test]
fn the_body_of_the_official_client_is_read() {
    let input = parse(&json!({
        "threadId": "t", "runId": "r", "protocolVersion": "1.0", "state": {}, "tools": [], "context": [],
        "messages": [{"id": "u", "role": "user", "content": "hello"}], "forwardedProps": {},
    }))
    .unwrap();
    assert_eq!(input.thread_id, Id::from("t"));
    assert_eq!(input.run_id, Id::from("r"));
    assert_eq!(input.messages[0].id(), &Id::from("u"));
    assert_eq!(input.state, Some(json!({})));
}

#[test]
fn the_snake_case_names_of_the_original_are_read() {
    let input = parse(&json!({
        "thread_id": "t", "run_id": "r", "parent_run_id": "p", "forwarded_props": 1,
        "messages": [{"role": "tool", "tool_call_id": "c", "content": "done", "name": "Bash"}],
    }))
    .unwrap();
    assert_eq!(input.parent_run_id, Some("p".into()));
    assert_eq!(input.forwarded_props, Some(json!(1)));
    assert!(matches!(&input.messages[0], Message::Tool { tool_call_id, .. } if &**tool_call_id == "c"));
}

#[test]
fn messages_and_runs_without_an_id_get_one() {
    let body = json!({"threadId": "t", "runId": null,
        "messages": [{"role": "user", "content": "a"}, {"id": null, "role": "user", "content": "b"}]});
    let input = parse(&body).unwrap();
    let ids = [&input.run_id, input.messages[0].id(), input.messages[1].id()];
    assert!(ids.iter().all(|id| id.len() == 36), "{ids:?}");
    assert_ne!(ids[1], ids[2]);
}

#[test]
fn null_stands_for_absent_and_a_context_that_is_an_object_is_dropped() {
    let input =
        parse(&json!({"threadId": "t", "messages": [{"role": "assistant", "content": null, "toolCalls": null}],
        "state": null, "tools": null, "context": {"a": 1}, "resume": null, "environment": {}, "metadata": 3}))
        .unwrap();
    assert_eq!((input.state, input.tools, input.context), (None, vec![], vec![]));
}

#[test]
fn every_wrong_member_is_named_with_what_was_expected() {
    let body = json!({
        "threadId": 7,
        "messages": [
            {"role": "robot", "content": "x"},
            {"role": "user"},
            {"role": "user", "content": 5},
            {"role": "tool", "content": "x"},
            {"role": "assistant", "toolCalls": [{"id": "c", "type": "function", "function": {"name": "f"}}]},
            {"role": "user", "content": [{"type": "image", "source": {"type": "data", "value": "x"}}]},
            "hello",
        ],
        "tools": [{"name": "t"}],
        "context": [{"description": "d", "value": 1}],
        "resume": "yes",
    });
    let expected = json!([
        ["invalid", ["body", "threadId"], "threadId: invalid type: integer `7`, expected a string"],
        [
            "union_tag_invalid",
            ["body", "messages", 0, "role"],
            "messages[0]: unknown role \"robot\"; expected one of developer, system, user, assistant, tool, activity, reasoning"
        ],
        ["missing", ["body", "messages", 1, "content"], "messages[1]: Field required: content"],
        [
            "invalid",
            ["body", "messages", 2, "content"],
            "messages[2]: content: invalid type: integer `5`, expected text or a list of content parts"
        ],
        ["missing", ["body", "messages", 3, "toolCallId"], "messages[3]: Field required: toolCallId"],
        ["invalid", ["body", "messages", 4, "toolCalls"], "messages[4]: toolCalls: missing field `arguments`"],
        ["invalid", ["body", "messages", 5, "content"], "messages[5]: content: missing field `mimeType`"],
        ["invalid", ["body", "messages", 6], "messages[6]: expected an object"],
        ["missing", ["body", "tools", 0, "description"], "tools[0]: Field required: description"],
        ["invalid", ["body", "context", 0, "value"], "context[0]: value: invalid type: integer `1`, expected a string"],
        ["invalid", ["body", "resume"], "resume: expected a list"],
    ]);
    let found = errors(&body);
    for (found, expected) in found.as_array().unwrap().iter().zip(expected.as_array().unwrap()) {
        assert_eq!(found, expected);
    }
    assert_eq!(found.as_array().unwrap().len(), 11);
}

#[test]
fn a_body_without_its_required_members_says_so() {
    let found = errors(&json!({"runId": "r"}));
    assert_eq!(found[0], json!(["missing", ["body", "threadId"], "Field required: threadId, text"]));
    assert_eq!(found[1], json!(["missing", ["body", "messages"], "Field required: messages, a list of messages"]));
    assert_eq!(errors(&json!([]))[0][0], "invalid");
}

#[test]
fn bad_json_is_an_error_of_its_own() {
    let errors = parse_input(b"{\"threadId\": ").unwrap_err();
    assert_eq!(errors[0].kind, "json_invalid");
    assert!(errors[0].msg.contains("line 1 column"), "{}", errors[0].msg);
    assert!(parse_input(b"\xff").is_err());
}

#[test]
fn a_long_wrong_value_is_not_repeated() {
    let errors = parse(&json!({"threadId": "t", "messages": "x".repeat(5000)})).unwrap_err();
    assert_eq!(errors[0].input, Value::Null);
    let short = parse(&json!({"threadId": "t", "messages": "x"})).unwrap_err();
    assert_eq!(short[0].input, json!("x"));
}

proptest! {
    #[test]
    fn every_valid_input_is_read_as_it_was_written(input in generate::input()) {
        let body = serde_json::to_vec(&input).unwrap();
        prop_assert_eq!(parse_input(&body).unwrap(), input);
    }

    #[test]
    fn no_body_makes_it_panic(body in generate::json_value(), bytes in prop::collection::vec(any::<u8>(), 0..40)) {
        let _ = parse(&json!({"threadId": "t", "messages": [body.clone(), {"role": "user", "content": body}]}));
        let _ = parse_input(&bytes);
    }
}
