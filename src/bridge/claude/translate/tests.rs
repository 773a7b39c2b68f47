//! The translator on lines of the recorded shapes.

use serde_json::{Value, json};

use super::{lines::*, *};

fn kinds(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["type"].as_str().unwrap()).collect()
}

fn find<'e>(events: &'e [Value], kind: &str) -> &'e Value {
    events.iter().find(|event| event["type"] == kind).unwrap_or_else(|| panic!("no {kind} in {events:#?}"))
}

#[test]
fn a_streamed_text_is_a_message_with_the_id_of_the_api_message() {
    let lines = [
        message_start("m1"),
        block_start(0, text_block()),
        delta(0, "text", "Hel"),
        delta(0, "text", "lo"),
        whole("m1", None, json!({ "type": "text", "text": "Hello" })),
        block_stop(0),
        message_stop(),
    ];
    let events = events_of(&lines, Closing::Done);
    let expected = ["STEP_STARTED", "TEXT_MESSAGE_START", "TEXT_MESSAGE_CONTENT", "TEXT_MESSAGE_CONTENT"];
    assert_eq!(kinds(&events), [&expected[..], &["TEXT_MESSAGE_END", "STEP_FINISHED"]].concat());
    assert_eq!(events[1], json!({ "type": "TEXT_MESSAGE_START", "messageId": "m1" }));
    assert_eq!(events[2]["delta"], "Hel");
}

#[test]
fn thinking_is_reasoning_with_its_signature_inside_the_span() {
    let lines = [
        message_start("m1"),
        block_start(0, json!({ "type": "thinking", "thinking": "", "signature": "" })),
        delta(0, "thinking", "hm"),
        delta(0, "signature", "si"),
        delta(0, "signature", "g"),
        block_stop(0),
        message_stop(),
    ];
    let events = events_of(&lines, Closing::Done);
    let expected = ["REASONING_START", "REASONING_MESSAGE_START", "REASONING_MESSAGE_CONTENT", "REASONING_MESSAGE_END"];
    assert_eq!(kinds(&events)[1..5], expected);
    assert_eq!(kinds(&events)[5..7], ["REASONING_ENCRYPTED_VALUE", "REASONING_END"]);
    assert_eq!(events[2]["role"], "reasoning");
    assert_eq!(events[5]["encryptedValue"], "sig");
    assert_eq!(events[5]["entityId"], "m1-reasoning");
}

#[test]
fn tool_calls_have_a_parent_their_arguments_and_their_results() {
    let lines = [
        message_start("m1"),
        block_start(0, text_block()),
        delta(0, "text", "go"),
        block_stop(0),
        block_start(1, tool("t1", "Bash")),
        delta(1, "partial_json", "{\"a\""),
        delta(1, "partial_json", ":1}"),
        block_stop(1),
        block_start(2, tool("t2", "mcp__ui__paint")),
        block_stop(2),
        message_stop(),
        result_of("t1", None, json!("out"), false),
        result_of("t2", None, json!([{ "type": "text", "text": "no" }]), true),
        result_of("t1", None, json!("again"), false),
    ];
    let events = events_of(&lines, Closing::Done);
    let start =
        json!({ "type": "TOOL_CALL_START", "toolCallId": "t1", "toolCallName": "Bash", "parentMessageId": "m1" });
    assert!(events.contains(&start));
    assert!(events.iter().any(|event| event["toolCallName"] == "paint"));
    let results: Vec<&Value> = events.iter().filter(|event| event["type"] == "TOOL_CALL_RESULT").collect();
    assert_eq!(results.len(), 2, "each call has one result");
    assert_eq!((&results[0]["content"], &results[0]["messageId"]), (&json!("out"), &json!("t1-result")));
    assert_eq!(results[1]["metadata"], json!({ "ambient": { "isError": true } }));
}

#[test]
fn a_sub_agent_begins_with_its_task_and_its_events_are_attributed() {
    let started = json!({ "type": "system", "subtype": "task_started", "task_type": "local_agent", "tool_use_id": "t1",
                          "subagent_type": "general-purpose", "description": "look", "is_backgrounded": false, "task_id": "x" });
    let lines = [
        whole("m1", None, tool("t1", "Agent")),
        started,
        whole("m2", Some("t1"), json!({ "type": "text", "text": "sub" })),
        whole("m2", Some("t1"), tool("t2", "Bash")),
        result_of("t2", Some("t1"), json!("x"), false),
        result_of("t1", None, json!("report"), false),
    ];
    let events = events_of(&lines, Closing::Done);
    let started = find(&events, "SUBAGENT_STARTED");
    assert_eq!((&started["subagentRunId"], &started["parentToolCallId"]), (&json!("t1-agent"), &json!("t1")));
    let of_agent = events.iter().filter(|event| event["subagentRunId"] == "t1-agent").count();
    assert_eq!(of_agent, 9, "started, text x3, call x3, result, finished: {events:#?}");
    assert_eq!(find(&events, "SUBAGENT_FINISHED")["result"], "report");
    assert_eq!(kinds(&events).last(), Some(&"TOOL_CALL_RESULT"));
}

#[test]
fn a_background_sub_agent_ends_when_its_notification_comes() {
    let task = |subtype: &str, status: &str| {
        json!({ "type": "system", "subtype": subtype, "task_type": "local_agent", "tool_use_id": "t1",
                "is_backgrounded": true, "status": status, "summary": "report" })
    };
    let launched = [
        whole("m1", None, tool("t1", "Agent")),
        task("task_started", ""),
        result_of("t1", None, json!("launched"), false),
    ];
    let events = events_of(&launched, Closing::Done);
    assert_eq!(find(&events, "SUBAGENT_FINISHED")["outcome"]["type"], "suspended", "the turn ended before it");
    let events = events_of(&launched, Closing::Cut("died"));
    assert_eq!(find(&events, "SUBAGENT_ERROR")["message"], "died");
    let events = events_of(&[&launched[..], &[task("task_notification", "completed")]].concat(), Closing::Done);
    assert_eq!(find(&events, "SUBAGENT_FINISHED")["result"], "report");
    let events = events_of(&[&launched[..], &[task("task_notification", "failed")]].concat(), Closing::Done);
    assert_eq!(find(&events, "SUBAGENT_ERROR")["code"], "failed");
}

#[test]
fn text_that_the_agent_takes_back_is_named_and_the_new_answer_has_new_ids() {
    let lines = [
        message_start("m1"),
        block_start(0, text_block()),
        delta(0, "text", "kept"),
        block_stop(0),
        block_start(1, text_block()),
        delta(1, "text", "void"),
        abandoned(1),
        message_start("m2"),
        block_start(0, text_block()),
        delta(0, "text", "new"),
        block_stop(0),
        message_stop(),
    ];
    let events = events_of(&lines, Closing::Done);
    let taken_back = find(&events, "CUSTOM");
    assert_eq!(taken_back["name"], "ambient:abandoned");
    assert_eq!(taken_back["value"], json!({ "messageIds": ["m1-2"], "toolCallIds": [] }));
    assert!(events.iter().any(|event| event["type"] == "TEXT_MESSAGE_START" && event["messageId"] == "m2"));
}

#[test]
fn an_interrupted_text_is_closed_and_stays() {
    let lines = [message_start("m1"), block_start(0, text_block()), delta(0, "text", "ab"), abandoned(1)];
    let events = events_of(&lines, Closing::Cut("stopped"));
    assert_eq!(kinds(&events)[3..], ["TEXT_MESSAGE_END", "STEP_FINISHED"]);
}

#[test]
fn half_a_tool_call_is_closed_and_said_not_to_have_run() {
    let half = [message_start("m1"), block_start(0, tool("t1", "Bash")), delta(0, "partial_json", "{\"a")];
    for lines in [&half[..], &[&half[..], &[abandoned(0)]].concat(), &[&half[..], &[message_start("m2")]].concat()] {
        let events = events_of(lines, Closing::Cut("stopped"));
        assert_eq!(find(&events, "TOOL_CALL_END")["toolCallId"], "t1");
        assert_eq!(find(&events, "TOOL_CALL_RESULT")["metadata"]["ambient"]["isError"], true);
        assert_eq!(find(&events, "CUSTOM")["value"]["toolCallIds"], json!(["t1"]));
    }
}

#[test]
fn a_call_without_a_result_gets_one_when_the_turn_is_cut_off_and_waits_otherwise() {
    let line = whole("m1", None, tool("t1", "Bash"));
    let events = events_of(std::slice::from_ref(&line), Closing::Cut("died"));
    assert_eq!(find(&events, "TOOL_CALL_RESULT")["content"], "died");
    assert!(!kinds(&events_of(&[line], Closing::Done)).contains(&"TOOL_CALL_RESULT"));
}

#[test]
fn an_error_of_the_provider_is_shown_as_the_systems_word_not_the_assistants() {
    let mut line = whole("x", None, json!({ "type": "text", "text": "API Error: 400" }));
    line["is_api_error_message"] = json!(true);
    assert_eq!(find(&events_of(&[line], Closing::Done), "TEXT_MESSAGE_START")["role"], "system");
}

#[test]
fn retries_and_rate_limits_are_events_and_noise_is_not() {
    let lines = [
        json!({ "type": "system", "subtype": "api_retry", "attempt": 1, "max_retries": 10, "retry_delay_ms": 588,
                "error_status": 529, "error": "overloaded", "uuid": "u" }),
        json!({ "type": "rate_limit_event", "rate_limit_info": { "status": "rejected", "resetsAt": 17, "rateLimitType": "five_hour" } }),
        json!({ "type": "system", "subtype": "thinking_tokens", "estimated_tokens": 3 }),
        json!({ "type": "system", "subtype": "compact_boundary", "uuid": "u" }),
        json!({ "type": "system", "subtype": "of_tomorrow", "x": 1 }),
        json!({ "type": "of_tomorrow", "x": 1 }),
        json!({ "no_type": true }),
    ];
    let events = events_of(&lines, Closing::Done);
    assert_eq!(kinds(&events), ["CUSTOM", "CUSTOM", "RAW", "RAW"]);
    assert_eq!(events[0]["value"]["status"], 529);
    assert_eq!(events[1]["value"]["resetsAt"], 17);
    assert_eq!(events[2]["event"], json!({ "type": "system", "subtype": "compact_boundary" }));
    assert_eq!(events[3]["source"], "claude-cli");
}

#[test]
fn the_inventory_of_init_is_left_out() {
    let line = json!({ "type": "system", "subtype": "init", "model": "m", "tools": ["Bash"], "slash_commands": ["x"], "skills": ["y"] });
    let events = events_of(&[line], Closing::Done);
    assert_eq!(events[0]["event"], json!({ "type": "system", "subtype": "init", "model": "m", "tools": ["Bash"] }));
}
