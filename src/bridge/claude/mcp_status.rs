//! How the MCP servers of a running CLI are, from the CLI itself.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::{mpsc, oneshot};

use super::{FRONTEND_SERVER, actor::Command, wire::text};
use crate::bridge::{BridgeError, FailureKind, McpServerStatus, McpTool};

/// How long the CLI may take to answer. It needs about a millisecond.
const ANSWER: Duration = Duration::from_secs(2);

/// Asks the process behind a channel; `None` when there is none any more.
pub(crate) async fn ask(
    commands: Option<mpsc::WeakSender<Command>>,
) -> Result<Option<Vec<McpServerStatus>>, BridgeError> {
    let Some(commands) = commands.and_then(|commands| commands.upgrade()) else {
        return Ok(None);
    };
    let (reply, answer) = oneshot::channel();
    let command = Command::Look { body: json!({ "subtype": "mcp_status" }), reply };
    let asked = async {
        if commands.send(command).await.is_err() {
            return None;
        }
        answer.await.ok()
    };
    match tokio::time::timeout(ANSWER, asked).await {
        Ok(Some(Ok(reply))) => Ok(Some(read(&reply))),
        // It ended meanwhile.
        Ok(None) => Ok(None),
        Ok(Some(Err(why))) => Err(failed(format!("the agent does not tell how its MCP servers are: {why}"))),
        Err(_) => Err(failed(format!("the agent did not tell within {} s how its MCP servers are", ANSWER.as_secs()))),
    }
}

fn failed(message: String) -> BridgeError {
    BridgeError { kind: FailureKind::AgentError, message }
}

/// Reads an answer to `mcp_status`. The server of the client's own tools is not one of the session's.
fn read(reply: &Value) -> Vec<McpServerStatus> {
    let servers = reply["mcpServers"].as_array().map(Vec::as_slice).unwrap_or_default();
    let mut read: Vec<_> = servers.iter().filter_map(server).filter(|server| server.name != FRONTEND_SERVER).collect();
    read.sort_by(|a, b| a.name.cmp(&b.name));
    read
}

fn server(value: &Value) -> Option<McpServerStatus> {
    let about = &value["serverInfo"];
    let owned = |value: &Value, member: &str| text(value, member).map(str::to_owned);
    let tools = value["tools"].as_array().map(Vec::as_slice).unwrap_or_default();
    Some(McpServerStatus {
        name: owned(value, "name")?,
        title: owned(about, "title").or_else(|| owned(about, "name")),
        status: owned(value, "status").unwrap_or_else(|| "pending".to_owned()),
        version: owned(about, "version"),
        tools: tools.iter().filter_map(tool).collect(),
        error: owned(value, "error"),
    })
}

fn tool(value: &Value) -> Option<McpTool> {
    let annotations = value.get("annotations").filter(|about| about.is_object()).cloned().unwrap_or_else(|| json!({}));
    Some(McpTool { name: text(value, "name")?.to_owned(), annotations })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_of_the_cli_is_read_and_nothing_of_a_servers_configuration_is_kept() {
        let reply = json!({ "mcpServers": [
            { "name": "ui", "status": "connected", "tools": [] },
            { "name": "web", "status": "failed", "error": "ENOENT", "config": { "env": { "TOKEN": "of-the-server" } } },
            { "name": "files", "status": "connected", "serverInfo": { "name": "Files", "version": "9" },
              "config": { "command": "x" }, "tools": [{ "name": "read", "annotations": { "readOnly": true } }, { "name": "cut" }] },
            { "status": "of a server without a name" },
        ] });
        let read = read(&reply);
        assert!(!format!("{read:?}").contains("of-the-server"));
        let names: Vec<_> = read.iter().map(|server| server.name.as_str()).collect();
        assert_eq!(names, ["files", "web"]);
        assert_eq!((read[0].title.as_deref(), read[0].version.as_deref()), (Some("Files"), Some("9")));
        assert_eq!(read[0].tools[0].annotations, json!({ "readOnly": true }));
        assert_eq!(read[0].tools[1].annotations, json!({}));
        assert_eq!((read[1].status.as_str(), read[1].error.as_deref()), ("failed", Some("ENOENT")));
    }

    #[test]
    fn an_answer_of_another_shape_has_no_servers() {
        for reply in [json!(null), json!([]), json!({ "mcpServers": 3 }), json!({ "mcpServers": [1, "a", {}] })] {
            assert_eq!(read(&reply), []);
        }
    }
}
