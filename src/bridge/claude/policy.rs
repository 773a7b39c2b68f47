//! What the agent may do when it asks. Pure: nobody sits at the terminal, so every question has its answer here.

use serde_json::{Map, Value, json};

use super::{FRONTEND_PREFIX, wire::text};
use crate::bridge::PermissionMode;

/// The tool with which the agent asks a person.
pub(crate) const ASK_TOOL: &str = "AskUserQuestion";

/// The hook that holds back calls which somebody else answers.
const DEFER_HOOK: &str = "defer";

/// The prefix of hooks that are only passed on.
const OBSERVE_HOOK: &str = "observe:";

/// The hooks that are registered in `initialize`.
pub(crate) fn registration(observed: &[String]) -> Value {
    let mut hooks = Map::new();
    for event in observed {
        hooks
            .insert(event.clone(), json!([{ "matcher": null, "hookCallbackIds": [format!("{OBSERVE_HOOK}{event}")] }]));
    }
    let deferring = json!({ "matcher": format!("{FRONTEND_PREFIX}.*|{ASK_TOOL}"), "hookCallbackIds": [DEFER_HOOK] });
    match hooks.entry("PreToolUse").or_insert_with(|| json!([])) {
        Value::Array(list) => list.push(deferring),
        other => *other = json!([deferring]),
    }
    Value::Object(hooks)
}

/// What a hook asks for.
#[derive(Debug, PartialEq)]
pub(crate) enum Hook {
    /// Nothing; the agent goes on.
    Pass,
    /// Somebody else answers this call: the turn ends with it open.
    Defer(OpenCall),
    /// The call is refused with this reason.
    Refuse(&'static str),
    /// A reader is told of this event.
    Observe(Value),
}

/// A tool call that the client or a person answers.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OpenCall {
    /// The call's id.
    pub(crate) id: String,
    /// The tool, under the name that the client knows.
    pub(crate) tool: String,
    /// What a person is asked; `None`: the client executes a tool.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) question: Option<Value>,
}

/// Decides on a `hook_callback`.
pub(crate) fn hook(request: &Value) -> Hook {
    let input = &request["input"];
    match text(request, "callback_id").unwrap_or_default() {
        DEFER_HOOK => defer(input),
        id if id.starts_with(OBSERVE_HOOK) => Hook::Observe(observed(input)),
        _ => Hook::Pass,
    }
}

fn defer(input: &Value) -> Hook {
    let (Some(id), Some(tool)) = (text(input, "tool_use_id"), text(input, "tool_name")) else {
        return Hook::Pass;
    };
    if input.get("agent_id").is_some_and(|id| !id.is_null()) {
        // A sub-agent cannot wait for an answer: its parent's turn would end under it.
        return Hook::Refuse("Only the main agent may call this tool. Hand the question back to it in your report.");
    }
    let (tool, question) = match tool.strip_prefix(FRONTEND_PREFIX) {
        Some(tool) => (tool, None),
        None => (tool, Some(input["tool_input"].clone())),
    };
    Hook::Defer(OpenCall { id: id.to_owned(), tool: tool.to_owned(), question })
}

/// A hook's input without the paths of the CLI's own files.
fn observed(input: &Value) -> Value {
    let mut about = input.clone();
    if let Value::Object(members) = &mut about {
        members.retain(|member, _| {
            !["transcript_path", "agent_transcript_path", "session_id", "effort"].contains(&&**member)
        });
    }
    about
}

/// The answer to a `hook_callback`.
pub(crate) fn hook_answer(hook: &Hook) -> Value {
    match hook {
        Hook::Pass | Hook::Observe(_) => json!({}),
        Hook::Defer(_) => {
            json!({ "hookSpecificOutput": { "hookEventName": "PreToolUse", "permissionDecision": "defer" } })
        }
        Hook::Refuse(reason) => json!({ "hookSpecificOutput": { "hookEventName": "PreToolUse",
            "permissionDecision": "deny", "permissionDecisionReason": reason } }),
    }
}

/// Decides on `can_use_tool`: asked is only for what neither the mode nor the allowed tools cover.
pub(crate) fn permission(mode: PermissionMode, request: &Value) -> Value {
    let tool = text(request, "tool_name").unwrap_or("this tool");
    let unrestricted = mode == PermissionMode::BypassPermissions && request["requires_user_interaction"] != true;
    if unrestricted || tool.starts_with(FRONTEND_PREFIX) {
        return json!({ "behavior": "allow", "updatedInput": request["input"] });
    }
    let why = match mode {
        PermissionMode::Plan => "this session only plans and changes nothing",
        PermissionMode::Default
        | PermissionMode::AcceptEdits
        | PermissionMode::DontAsk
        | PermissionMode::BypassPermissions => {
            "the session does not allow it, and nobody can be asked while the run goes on"
        }
    };
    json!({ "behavior": "deny", "message": format!("{tool} was not permitted: {why}. Go on without it, and say what you left out.") })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn callback(id: &str, tool: &str, agent: Option<&str>) -> Value {
        json!({ "callback_id": id, "input": { "tool_use_id": "t1", "tool_name": tool, "tool_input": { "a": 1 },
                "agent_id": agent, "hook_event_name": "PreToolUse", "transcript_path": "/x" } })
    }

    #[test]
    fn frontend_tools_and_questions_wait_for_somebody_elses_answer() {
        let Hook::Defer(call) = hook(&callback("defer", "mcp__ui__paint", None)) else { panic!("not deferred") };
        assert_eq!((call.tool.as_str(), call.question), ("paint", None));
        let Hook::Defer(call) = hook(&callback("defer", ASK_TOOL, None)) else { panic!("not deferred") };
        assert_eq!(call.question, Some(json!({ "a": 1 })));
    }

    #[test]
    fn a_sub_agent_cannot_wait_for_a_person() {
        assert!(matches!(hook(&callback("defer", ASK_TOOL, Some("a1"))), Hook::Refuse(_)));
    }

    #[test]
    fn an_observed_hook_is_passed_on_without_the_clis_own_paths() {
        let Hook::Observe(about) = hook(&callback("observe:Stop", "x", None)) else { panic!("not observed") };
        assert!(about.get("transcript_path").is_none());
        assert_eq!(hook_answer(&Hook::Observe(about)), json!({}));
    }

    #[test]
    fn observing_the_same_event_keeps_the_deferring_hook() {
        let hooks = registration(&["PreToolUse".to_owned(), "Stop".to_owned()]);
        assert_eq!(hooks["PreToolUse"].as_array().map(Vec::len), Some(2));
        assert_eq!(hooks["Stop"].as_array().map(Vec::len), Some(1));
    }

    #[test]
    fn what_is_not_covered_is_refused_with_a_sentence_unless_everything_is_allowed() {
        let request = json!({ "tool_name": "Bash", "input": { "command": "x" } });
        let refused = permission(PermissionMode::AcceptEdits, &request);
        assert_eq!(refused["behavior"], "deny");
        assert!(refused["message"].as_str().unwrap().contains("Bash was not permitted"));
        let allowed = permission(PermissionMode::BypassPermissions, &request);
        assert_eq!(allowed, json!({ "behavior": "allow", "updatedInput": { "command": "x" } }));
    }
}
