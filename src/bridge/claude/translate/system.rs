//! System messages of the CLI: passed on as RAW, without its noise and without what belongs to the vendor's prompts.

use serde_json::{Map, Value, json};

use super::{SOURCE, Translator, custom};
use crate::{
    agui::{Event, EventKind, Id},
    bridge::claude::wire::text,
};

/// What of `init` says something about this session. The rest is the vendor's inventory, several kilobytes every turn.
const INIT_MEMBERS: [&str; 9] =
    ["type", "subtype", "session_id", "cwd", "model", "permissionMode", "mcp_servers", "tools", "claude_code_version"];

/// Members that say nothing to a reader, or say again what another event says.
const NOISE: [&str; 5] = ["uuid", "session_id", "user_message_uuid", "user_message_uuids", "prompt"];

impl Translator {
    pub(super) fn system(&mut self, value: Value, out: &mut Vec<Event>) {
        match text(&value, "subtype").unwrap_or_default() {
            // An estimate with each delta, and the turn's own bookkeeping.
            "thinking_tokens" | "session_state_changed" => {}
            "init" => out.push(raw(only(value, &INIT_MEMBERS))),
            "api_retry" => out.push(retry(value)),
            "task_started" => {
                self.task_started(&value, out);
                out.push(raw(without(value, &NOISE)));
            }
            "task_notification" => {
                out.push(raw(without(value.clone(), &NOISE)));
                self.subagent_notified(&value, out);
            }
            _ => out.push(raw(without(value, &NOISE))),
        }
    }

    fn task_started(&mut self, value: &Value, out: &mut Vec<Event>) {
        if value["task_type"] == "local_agent"
            && let Some(call) = text(value, "tool_use_id").map(Id::from)
        {
            self.enter_subagent(&call, value, out);
        }
    }
}

fn raw(event: Value) -> Event {
    EventKind::Raw { event, source: Some(SOURCE.to_owned()) }.into()
}

fn only(value: Value, members: &[&str]) -> Value {
    filtered(value, |member| members.contains(&member))
}

fn without(value: Value, members: &[&str]) -> Value {
    filtered(value, |member| !members.contains(&member))
}

fn filtered(value: Value, keep: impl Fn(&str) -> bool) -> Value {
    let Value::Object(members) = value else {
        return value;
    };
    Value::Object(members.into_iter().filter(|(member, _)| keep(member)).collect::<Map<_, _>>())
}

/// `api_retry`: the provider failed, and the CLI asks again after a while.
fn retry(value: Value) -> Event {
    let about = json!({
        "attempt": value["attempt"],
        "maxRetries": value["max_retries"],
        "delayMs": value["retry_delay_ms"],
        "status": value["error_status"],
        "error": value["error"],
    });
    with_raw(custom("ambient:retry", about), value)
}

/// `rate_limit_event`: how much of a quota is left, and when it is back.
pub(super) fn rate_limit(value: Value) -> Event {
    let info = &value["rate_limit_info"];
    let about = json!({
        "status": info["status"],
        "kind": info["rateLimitType"],
        "resetsAt": info["resetsAt"],
        "utilization": info["utilization"],
    });
    with_raw(custom("ambient:rate_limit", about), value)
}

fn with_raw(mut event: Event, value: Value) -> Event {
    event.raw_event = Some(without(value, &NOISE));
    event
}
