//! Tools of the platform that run in this process: one set, whichever way an agent calls them.

use std::{fmt, sync::Arc};

use serde_json::{Value, json};

use crate::{
    agui::{Event, Id, Tool},
    host::BoxFuture,
};

/// How many calls of an agent's tools may run at once; of one process, or over HTTP of all.
pub const CALLS_AT_ONCE: usize = 64;

/// A set of tools that runs in this process. The Claude CLI sees them as `mcp__<name>__<tool>`.
pub trait ToolServer: Send + Sync {
    /// The server's name: letters, digits, `-` and `_`.
    fn name(&self) -> &str;

    /// The tools on offer; no two servers have one of the same name. One whose metadata says `"readOnly": true` is called
    /// while others run.
    fn tools(&self) -> Vec<Tool>;

    /// Executes a call of a thread's agent. Calls may run at the same time. The future is dropped when the agent gives
    /// the call up. An error is a sentence for the agent.
    fn call<'a>(&'a self, thread: &'a Id, tool: &'a str, arguments: Value) -> BoxFuture<'a, Result<Called, String>>;
}

/// What a call did.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Called {
    /// What the agent is told.
    pub text: String,
    /// What the readers of the run are told, before the call's result.
    pub events: Vec<Event>,
    /// The thread's next turn is to have a new process, with the same conversation.
    pub restart: bool,
}

impl From<String> for Called {
    fn from(text: String) -> Self {
        Self { text, ..Self::default() }
    }
}

/// Where an agent without a channel of its own finds the platform's tools: MCP over streamable HTTP, on this machine.
#[derive(Clone, PartialEq, Eq)]
pub struct ToolsEndpoint {
    /// The address, `http://127.0.0.1:PORT/mcp`.
    pub url: String,
    /// What goes after `Authorization: Bearer`: a secret of this thread's agent. Another one with the next spec means that
    /// this one has ended, and that the agent is to be started anew.
    pub bearer: String,
}

impl fmt::Debug for ToolsEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} [secret]", self.url)
    }
}

/// The server that has a tool.
#[must_use]
pub fn server_of<'a>(servers: &'a [Arc<dyn ToolServer>], tool: &str) -> Option<&'a Arc<dyn ToolServer>> {
    servers.iter().find(|server| server.tools().iter().any(|one| one.name == tool))
}

/// A tool as MCP describes it. Without `alwaysLoad` the Claude CLI leaves a tool out until the model searches for it.
/// Read-only tools run at the same time.
#[must_use]
pub fn described(tool: &Tool) -> Value {
    let read_only = tool.metadata.as_ref().is_some_and(|about| about.get("readOnly") == Some(&Value::Bool(true)));
    json!({
        "name": tool.name,
        "description": tool.description,
        "inputSchema": schema(tool.parameters.as_ref()),
        "annotations": { "readOnlyHint": read_only },
        "_meta": { "anthropic/alwaysLoad": true },
    })
}

/// One schema that is not of an object would make an agent drop all tools of the server.
fn schema(parameters: Option<&Value>) -> Value {
    let mut schema = parameters.filter(|schema| schema.is_object()).cloned().unwrap_or_else(|| json!({}));
    schema["type"] = json!("object");
    schema
}

/// The outcome of a call as MCP tells it.
#[must_use]
pub fn told(outcome: Result<&str, &str>) -> Value {
    let is_error = outcome.is_err();
    let (Ok(text) | Err(text)) = outcome;
    json!({ "content": [{ "type": "text", "text": text }], "isError": is_error })
}
