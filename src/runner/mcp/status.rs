//! What `GET /mcp/status` says, in the original's shape. Pure.

use serde_json::{Value, json};

use super::Fault;
use crate::bridge::{McpServerStatus, McpServers};

/// What is said while no agent runs.
pub const NO_AGENT: &str =
    "No agent of this thread runs now. Its MCP servers are connected when the next run starts one.";

/// The servers of a thread: as its running agent sees them, else as they are configured, and those that cannot be used.
#[must_use]
pub fn report(running: Option<Vec<McpServerStatus>>, configured: &McpServers, faults: &[Fault]) -> Value {
    let message = running.is_none().then_some(NO_AGENT);
    let mut servers = running.unwrap_or_default();
    let known = |servers: &[McpServerStatus], name: &str| servers.iter().any(|server| server.name == name);
    for name in configured.0.keys() {
        if !known(&servers, name) {
            servers.push(only(name, "pending", None));
        }
    }
    for fault in faults {
        if let Some(name) = fault.server.as_ref().filter(|name| !known(&servers, name)) {
            servers.push(only(name, "failed", Some(fault.to_string())));
        }
    }
    servers.sort_by(|a, b| a.name.cmp(&b.name));
    let mut report = json!({ "servers": servers.iter().map(shown).collect::<Vec<_>>(), "totalCount": servers.len() });
    if let Some(message) = message {
        report["message"] = json!(message);
    }
    let whole: Vec<String> = faults.iter().filter(|fault| fault.server.is_none()).map(Fault::to_string).collect();
    if !whole.is_empty() {
        report["error"] = json!(whole.join("; "));
    }
    report
}

fn only(name: &str, status: &str, error: Option<String>) -> McpServerStatus {
    McpServerStatus { name: name.to_owned(), status: status.to_owned(), error, ..McpServerStatus::default() }
}

fn shown(server: &McpServerStatus) -> Value {
    let tools: Vec<Value> =
        server.tools.iter().map(|tool| json!({ "name": tool.name, "annotations": tool.annotations })).collect();
    let mut shown = json!({
        "name": server.name,
        "displayName": server.title.as_ref().unwrap_or(&server.name),
        "status": server.status,
        "version": server.version.as_deref().unwrap_or_default(),
        "tools": tools,
    });
    if let Some(error) = &server.error {
        shown["error"] = json!(error);
    }
    shown
}
