//! The session's MCP servers on their way to the CLI: a private file, which exists while the CLI starts.
//!
//! Their values may be secrets. argv is readable by everybody, and a control request (`mcp_set_servers`) would hold up all
//! others, an interrupt too, until the last server has answered or failed. The CLI reads the file once, before it answers
//! `initialize`.

use std::path::PathBuf;

use serde_json::json;
use uuid::Uuid;

use super::{agent::Shared, shell};
use crate::bridge::SessionSpec;

/// Writes `$1` for its owner only. Whatever was there before is not written through.
const WRITE: &str = r#"umask 077; mkdir -p "${1%/*}" && rm -f "$1" && exec cat > "$1""#;

const REMOVE: &str = r#"exec rm -f "$1""#;

/// Writes the servers of a spec, if it has any; the path on the agent's host. The error is a sentence.
pub(crate) async fn write(shared: &Shared, spec: &SessionSpec) -> Result<Option<PathBuf>, String> {
    if spec.mcp_servers.0.is_empty() {
        return Ok(None);
    }
    let path = path(shared, spec);
    let text = json!({ "mcpServers": spec.mcp_servers.0 }).to_string();
    let written = shell::run(shared, &spec.cwd, WRITE, [path.clone().into()], text.as_bytes()).await;
    written.map_err(|failure| format!("the agent could not be given its MCP servers: {failure}"))?;
    Ok(Some(path))
}

/// Removes the file; the CLI has read it. Failing that, the next start of the thread's agent writes another in its place.
pub(crate) async fn remove(shared: &Shared, spec: &SessionSpec, path: PathBuf) {
    if let Err(failure) = shell::run(shared, &spec.cwd, REMOVE, [path.into()], b"").await {
        tracing::warn!(thread = spec.thread_id.as_str(), %failure, "the file with the MCP servers was not removed");
    }
}

/// The same for every start of a thread, so that nothing is left when a runner was killed.
fn path(shared: &Shared, spec: &SessionSpec) -> PathBuf {
    let name = Uuid::new_v5(&Uuid::NAMESPACE_OID, spec.thread_id.as_bytes());
    shared.config.config_dir.join("mcp").join(format!("{name}.json"))
}
