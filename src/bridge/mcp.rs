//! The MCP servers of an agent: what it is given, and how it says they are.

use std::{collections::BTreeMap, fmt};

use serde_json::Value;

/// MCP servers by name, each as in the `mcpServers` of a `.mcp.json`. Their values may be secrets, so only names are shown.
#[derive(Clone, Default, PartialEq)]
pub struct McpServers(pub BTreeMap<String, Value>);

impl fmt::Debug for McpServers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// How one server is.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct McpServerStatus {
    /// Its name in the configuration.
    pub name: String,
    /// The name it gives itself, if it does.
    pub title: Option<String>,
    /// `connected`, `pending`, `failed`, `needs-auth`, `disabled`: the agent's own word.
    pub status: String,
    /// The version that it tells.
    pub version: Option<String>,
    /// Its tools; none while it is not connected.
    pub tools: Vec<McpTool>,
    /// Why it is not connected. Not redacted yet.
    pub error: Option<String>,
}

/// A tool of a server.
#[derive(Debug, Clone, PartialEq)]
pub struct McpTool {
    /// Its name at the server, without the agent's prefix.
    pub name: String,
    /// What the server says of it (`readOnly`, `destructive` …), an object.
    pub annotations: Value,
}
