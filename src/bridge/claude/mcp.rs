//! Tools that this process offers to the agent, over the CLI's own MCP channel. Four methods of JSON-RPC by hand.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{FRONTEND_SERVER, wire::text};
use crate::{
    agui::Tool,
    bridge::tools::{ToolServer, described, told},
};

/// The protocol version that is named when the client names none.
const PROTOCOL: &str = "2025-11-25";

/// What is to be done with an `mcp_message`.
pub(crate) enum Message {
    /// It is answered at once.
    Answer(Value),
    /// A tool is to be executed; the answer belongs to this JSON-RPC id.
    Call { id: Value, server: Arc<dyn ToolServer>, tool: String, arguments: Value },
    /// The call with this JSON-RPC id is given up.
    Cancelled { id: Value },
}

/// Reads a message for a server.
pub(crate) fn receive(servers: &[Arc<dyn ToolServer>], frontend: &[Tool], server: &str, message: &Value) -> Message {
    let found = servers.iter().find(|one| one.name() == server);
    let id = message.get("id").cloned();
    let method = text(message, "method").unwrap_or_default();
    let result = match (method, found) {
        ("initialize", _) => Ok(initialized(server, &message["params"])),
        ("ping", _) => Ok(json!({})),
        ("tools/list", Some(found)) => Ok(listed(&found.tools())),
        ("tools/list", None) if server == FRONTEND_SERVER => Ok(listed(frontend)),
        ("tools/call", Some(found)) => {
            let tool = text(&message["params"], "name").unwrap_or_default().to_owned();
            let arguments = message["params"]["arguments"].clone();
            return Message::Call { id: id.unwrap_or_default(), server: Arc::clone(found), tool, arguments };
        }
        // The CLI could not hold the call back, which happens when an answer comes without streaming.
        ("tools/call", None) if server == FRONTEND_SERVER => {
            Ok(told(Err("The user's side could not take this call. Call the tool again, alone.")))
        }
        ("notifications/cancelled", _) => {
            return Message::Cancelled { id: message["params"]["requestId"].clone() };
        }
        _ if id.is_none() => Ok(json!({})),
        _ => Err(json!({ "code": -32601, "message": format!("{server} has no method {method}") })),
    };
    Message::Answer(reply(id, result))
}

/// The answer to a tool call.
pub(crate) fn call_reply(id: Value, outcome: Result<&str, &str>) -> Value {
    reply(Some(id), Ok(told(outcome)))
}

fn reply(id: Option<Value>, result: Result<Value, Value>) -> Value {
    let (member, value) = match result {
        Ok(result) => ("result", result),
        Err(error) => ("error", error),
    };
    let mut message = json!({ "jsonrpc": "2.0", member: value });
    if let Some(id) = id {
        message["id"] = id;
    }
    json!({ "mcp_response": message })
}

fn initialized(server: &str, params: &Value) -> Value {
    let version = text(params, "protocolVersion").unwrap_or(PROTOCOL);
    json!({
        "protocolVersion": version,
        "capabilities": { "tools": { "listChanged": true } },
        "serverInfo": { "name": server, "version": env!("CARGO_PKG_VERSION") },
    })
}

fn listed(tools: &[Tool]) -> Value {
    json!({ "tools": tools.iter().map(described).collect::<Vec<_>>() })
}
