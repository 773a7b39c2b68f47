//! Agents, servers, and waiting for them.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    time::Duration,
};

use serde_json::{Value, json};
use tokio::time::Instant;

use crate::{
    claude::claude,
    model::Model,
    rig::{Runner, Session},
};

/// No wait is longer, on a machine that does much else.
const DEADLINE: Duration = Duration::from_mins(2);

/// A server of one tool, in a shell.
const SHELL_SERVER: &str = r#"
while read -r line; do
  id=$(printf '%s' "$line" | sed -n 's/.*"id":\([0-9]*\).*/\1/p')
  case "$line" in
    *'"method":"initialize"'*) result='{"protocolVersion":"2025-06-18","capabilities":{"tools":{}},"serverInfo":{"name":"Shell","version":"7.1"}}' ;;
    *'"method":"tools/list"'*) result='{"tools":[{"name":"hello","description":"Greets.","inputSchema":{"type":"object"},"annotations":{"readOnlyHint":true}}]}' ;;
    *'"method":"tools/call"'*) result='{"content":[{"type":"text","text":"hello from '"$GREETER"'"}]}' ;;
    *) continue ;;
  esac
  printf '{"jsonrpc":"2.0","id":%s,"result":%s}\n' "$id" "$result"
done
"#;

/// That server, as a configuration names it.
pub(crate) fn shell_server(greeter: &str) -> Value {
    json!({ "command": "sh", "args": ["-c", SHELL_SERVER], "env": { "GREETER": greeter }, "alwaysLoad": true })
}

/// A session of the real CLI that notes in `starts` with which arguments it was started. None where there is no CLI.
pub(crate) fn session(model: &Model, servers: &Value) -> Option<Session> {
    let session = Session::new();
    let script = session.path("claude.sh");
    let (starts, cli) = (session.path("starts"), claude()?);
    write(&script, &format!("echo \"$@\" >> {}\nexec {} \"$@\"", starts.display(), cli.display()));
    Some(with_agent(session, &script).env("ANTHROPIC_BASE_URL", &model.url).env("CUSTOM_MCP_SERVERS", &custom(servers)))
}

pub(crate) fn custom(servers: &Value) -> String {
    json!({ "custom": servers }).to_string()
}

pub(crate) fn with_agent(session: Session, script: &Path) -> Session {
    session.env("AMBIENT_AGENT_COMMAND", &script.display().to_string())
}

/// An executable shell script.
pub(crate) fn write(path: &Path, text: &str) {
    fs::write(path, format!("#!/bin/sh\n{text}\n")).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// The arguments of every start of the CLI.
pub(crate) fn starts(session: &Session) -> Vec<String> {
    let text = fs::read_to_string(session.path("starts")).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

/// A file that the installed servers are in. None where they are not installed.
pub(crate) fn installed(server: &str) -> Option<PathBuf> {
    crate::needs::tool("AMBIENT_MCP_TOOLS", "target/tools/mcp/bin", Path::is_dir).map(|folder| folder.join(server))
}

/// Asks until a server has a status.
pub(crate) async fn until(runner: &Runner, server: &str, status: &str) -> Value {
    let end = Instant::now() + DEADLINE;
    loop {
        let report: Value = runner.get("/mcp/status").await.json().await.unwrap();
        let found = report["servers"].as_array().unwrap().iter().find(|one| one["name"] == server).cloned();
        match found {
            Some(found) if found["status"] == status => return found,
            _ => assert!(Instant::now() < end, "{server} is not {status}: {report:#}"),
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
