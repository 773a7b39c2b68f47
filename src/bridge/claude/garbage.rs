//! Whatever bytes the CLI writes, a session neither panics nor says more than it was told.

use proptest::{prelude::*, sample::Index};
use serde_json::{Value, json};

use super::session::{Session, Step};
use crate::{
    agui::Event,
    bridge::{Ending, FailureKind},
};

/// One line of each kind that the CLI writes.
fn known() -> Vec<Value> {
    let stream = |event: Value| json!({"type": "stream_event", "event": event, "parent_tool_use_id": null});
    let block = |block: Value| json!({"type": "content_block_start", "index": 0, "content_block": block});
    let message = |block: Value| json!({"id": "m1", "role": "assistant", "model": "m", "content": [block]});
    let usage = json!({"input_tokens": 3, "output_tokens": 4, "cache_read_input_tokens": 0});
    let ask = |request: Value| json!({"type": "control_request", "request_id": "q1", "request": request});
    let rpc = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "paint", "arguments": {}}});
    vec![
        json!({"type": "system", "subtype": "init", "session_id": "s1", "tools": ["Bash"], "mcp_servers": []}),
        json!({"type": "system", "subtype": "api_retry", "attempt": 1, "retry_delay_ms": 500.5, "error_status": 529}),
        json!({"type": "system", "subtype": "session_state_changed", "state": "idle"}),
        json!({"type": "system", "subtype": "task_started", "task_id": "k1", "task_type": "local_agent", "tool_use_id": "t1"}),
        json!({"type": "system", "subtype": "task_updated", "task_id": "k1", "patch": {"status": "completed"}}),
        json!({"type": "system", "subtype": "task_notification", "task_id": "k1", "tool_use_id": "t1", "status": "completed"}),
        json!({"type": "system", "subtype": "background_tasks_changed", "tasks": [{"task_id": "k1"}]}),
        stream(
            json!({"type": "message_start", "message": {"id": "m1", "role": "assistant", "content": [], "usage": usage}}),
        ),
        stream(block(json!({"type": "text", "text": ""}))),
        stream(block(json!({"type": "thinking", "thinking": "", "signature": ""}))),
        stream(block(json!({"type": "tool_use", "id": "t1", "name": "Bash", "input": {}}))),
        stream(json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "x"}})),
        stream(
            json!({"type": "content_block_delta", "index": 0, "delta": {"type": "input_json_delta", "partial_json": "{"}}),
        ),
        stream(json!({"type": "content_block_stop", "index": 0})),
        stream(json!({"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": usage})),
        stream(json!({"type": "message_stop"})),
        json!({"type": "assistant", "parent_tool_use_id": null, "message": message(json!({"type": "text", "text": "x"}))}),
        json!({"type": "assistant", "parent_tool_use_id": null, "message": message(json!({"type": "tool_use", "id": "t1", "name": "Bash", "input": {}}))}),
        json!({"type": "user", "parent_tool_use_id": null, "message": {"role": "user", "content": [
            {"type": "tool_result", "tool_use_id": "t1", "content": [{"type": "text", "text": "ok"}], "is_error": false}]}}),
        json!({"type": "result", "subtype": "success", "is_error": false, "result": "done", "num_turns": 1,
            "total_cost_usd": 0.1, "usage": usage, "modelUsage": {"m": {"inputTokens": 3, "outputTokens": 4}}}),
        json!({"type": "result", "subtype": "error_during_execution", "is_error": true, "errors": ["no"]}),
        ask(json!({"subtype": "can_use_tool", "tool_name": "Bash", "tool_use_id": "t1", "input": {"command": "ls"}})),
        ask(json!({"subtype": "mcp_message", "server_name": "ui", "message": rpc})),
        ask(json!({"subtype": "hook_callback", "callback_id": "h", "input": {"hook_event_name": "Stop"}})),
        json!({"type": "control_response", "response": {"subtype": "success", "request_id": "ambient-1", "response": {}}}),
        json!({"type": "control_cancel_request", "request_id": "q1"}),
    ]
}

/// A value that belongs nowhere.
fn strange() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        prop::sample::select(vec![json!(0), json!(-1), json!(u64::MAX), json!(i64::MIN), json!(1e300), json!(0.5)]),
        prop::sample::select(vec!["", "\0", "t1", "m1", "k1", "mcp__ui__paint", "\u{202e}", "a.b.c"])
            .prop_map(Value::from),
        Just(json!([])),
        Just(json!({})),
        Just(json!([{"type": "tool_use"}, null, 3])),
    ]
}

/// What is done to a line: a value somewhere in it becomes another or goes away, and its bytes are cut.
#[derive(Debug, Clone)]
struct Damage {
    line: Index,
    path: Vec<Index>,
    with: Option<Value>,
    cut: Option<Index>,
}

fn damage() -> impl Strategy<Value = Damage> {
    let path = prop::collection::vec(any::<Index>(), 0..6);
    let cut = prop::option::weighted(0.05, any::<Index>());
    (any::<Index>(), path, prop::option::weighted(0.8, strange()), cut).prop_map(|(line, path, with, cut)| Damage {
        line,
        path,
        with,
        cut,
    })
}

fn damaged(lines: &[Value], damage: &Damage) -> Vec<u8> {
    let mut line = damage.line.get(lines).clone();
    // Half of the lines stay as they are, so that there is something to disturb.
    if damage.path.len() > 2 {
        change(&mut line, &damage.path, damage.with.as_ref());
    }
    let mut bytes = line.to_string().into_bytes();
    if let Some(cut) = &damage.cut {
        bytes.truncate(cut.index(bytes.len()));
    }
    bytes
}

fn change(value: &mut Value, path: &[Index], with: Option<&Value>) {
    let Some((step, rest)) = path.split_first() else {
        *value = with.cloned().unwrap_or_default();
        return;
    };
    match value {
        Value::Object(members) if !members.is_empty() => {
            let name = members.keys().nth(step.index(members.len())).cloned().unwrap_or_default();
            if rest.is_empty() && with.is_none() {
                members.remove(&name);
            } else if let Some(member) = members.get_mut(&name) {
                change(member, rest, with);
            }
        }
        Value::Array(elements) if !elements.is_empty() => {
            let at = step.index(elements.len());
            change(&mut elements[at], rest, with);
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => {
            change(value, &[], with);
        }
    }
}

/// The most events that one line, or the end of a turn, may give for each line that there was.
const EVENTS_PER_LINE: usize = 16;

proptest! {
    #[test]
    fn no_line_of_the_cli_makes_a_session_panic_or_talk_without_end(damages in prop::collection::vec(damage(), 1..60)) {
        let lines = known();
        let mut session = Session::new(None);
        let mut out: Vec<Event> = Vec::new();
        session.begin(Some("u1".to_owned()));
        for damage in &damages {
            let step = session.line(&damaged(&lines, damage), &mut out);
            match step {
                Step::Over => drop(session.finish(None, &mut out)),
                Step::Began => session.begin(None),
                _ => {}
            }
        }
        let ending = Ending::Failed { kind: FailureKind::AgentError, message: "cut".to_owned() };
        let _ = session.cut(ending, &mut out);
        prop_assert!(out.len() <= EVENTS_PER_LINE * (damages.len() + 1), "{} events", out.len());
        prop_assert!(!session.in_turn() && session.open().is_empty());
    }
}
