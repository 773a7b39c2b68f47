//! The tools as the agent sees them.

use serde_json::{Value, json};

use super::arguments::PHASES;
use crate::{
    agui::Tool,
    runner::mcp::tools::{read_only, tool},
};

/// All tools.
pub(super) fn tools() -> Vec<Tool> {
    let named = json!({ "session_name": text("The session's name.") });
    vec![
        read_only(tool("acp_list_sessions", LIST, &list(), &[])),
        read_only(tool("acp_get_session", GET, &named, &["session_name"])),
        tool("acp_create_session", CREATE, &create(), &["session_name"]),
        tool("acp_stop_session", STOP, &named, &["session_name"]),
        tool("acp_send_message", SEND, &send(), &["session_name", "message"]),
        read_only(tool("acp_get_session_status", STATUS, &status(), &["session_name"])),
        tool("acp_restart_session", RESTART, &named, &["session_name"]),
        read_only(tool("acp_list_workflows", WORKFLOWS, &json!({}), &[])),
        read_only(tool("acp_get_api_reference", REFERENCE, &json!({}), &[])),
    ]
}

const LIST: &str = "The sessions of this project, newest first: those that are not over, unless you ask for others.";
const GET: &str = "One session of this project, with its settings and its status.";
const CREATE: &str =
    "Start another session in this project, with an agent of its own. The answer tells the name it got.";
const STOP: &str = "Stop a session of this project. Its work is kept, and it can be started again.";
const SEND: &str = "Give a session of this project a message from you. Its agent works on it while you go on; acp_get_session_status tells how far it is.";
const STATUS: &str = "How a session of this project is, and the last texts of its conversation.";
const RESTART: &str = "Stop a session of this project, wait until it has stopped, and start it again. For your own session use restart_session.";
const WORKFLOWS: &str = "The workflows that the platform offers, with what acp_create_session takes to use one.";
const REFERENCE: &str =
    "The platform's HTTP interface for sessions: addresses, bodies and answers, for code that uses it.";

fn text(description: &str) -> Value {
    json!({ "type": "string", "description": description })
}

fn list() -> Value {
    json!({
        "include_completed": { "type": "boolean", "description": "Also those that are over." },
        "phase": { "type": "string", "enum": PHASES, "description": "Only those in this phase." },
        "search": text("Only those with this in their name, display name or prompt."),
        "limit": { "type": "integer", "minimum": 1, "maximum": 100, "description": "How many; 20 if you do not say." },
        "offset": { "type": "integer", "minimum": 0, "maximum": 10_000, "description": "How many to leave out." },
    })
}

fn create() -> Value {
    json!({
        "session_name": text("A name: lowercase letters, digits and hyphens."),
        "initial_prompt": text("What its agent is told first."),
        "display_name": text("A name for people."),
        "repos": text(r#"Repositories, as a JSON list: [{"url": "https://…", "branch": "main"}]."#),
        "model": text("Another model than the project's."),
        "workflow_git_url": text("The repository of a workflow, …"),
        "workflow_branch": text("… its branch, …"),
        "workflow_path": text("… and its folder in the repository."),
    })
}

fn send() -> Value {
    json!({
        "session_name": text("The session's name."),
        "message": text("What its agent is told."),
        "thread_id": text("Another thread than the session's own."),
    })
}

fn status() -> Value {
    json!({
        "session_name": text("The session's name."),
        "max_messages": { "type": "integer", "minimum": 1, "maximum": 50, "description": "How many texts; 5 if you do not say." },
    })
}
