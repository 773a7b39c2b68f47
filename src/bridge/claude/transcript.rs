//! Answering calls in a conversation that no process has open: the results are appended to its file, on the agent's host.
//!
//! A CLI that is started anew takes results of open calls in no other way for more than one call. The file is found,
//! read and written by a shell on the host, since the runner may only read it, or may not even see it.

use super::{
    agent::Shared,
    shell::{self, Failure},
    wire::text,
};
use crate::bridge::SessionSpec;
use serde_json::{Value, json};

/// How much of the file's end is read for the row that the new one follows.
const END: &str = "1048576";

/// Appends one row with these results to a conversation. The error is a sentence.
pub(crate) async fn answer(
    shared: &Shared,
    spec: &SessionSpec,
    conversation: &str,
    results: &[Value],
) -> Result<(), String> {
    let read =
        format!(r#"for f in "$1"/projects/*/"$2".jsonl; do [ -f "$f" ] && exec tail -c {END} "$f"; done; exit 3"#);
    let end = on_host(shared, spec, conversation, &read, b"").await?;
    let mut row = row(&end, spec, conversation, results)?.to_string();
    row.insert(0, '\n');
    row.push('\n');
    let append = r#"for f in "$1"/projects/*/"$2".jsonl; do [ -f "$f" ] && exec cat >> "$f"; done; exit 3"#;
    on_host(shared, spec, conversation, append, row.as_bytes()).await.map(|_| ())
}

/// The row that follows the last one of the conversation.
fn row(end: &str, spec: &SessionSpec, conversation: &str, results: &[Value]) -> Result<Value, String> {
    let rows = end.lines().rev().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let last = rows
        .filter(|row| matches!(text(row, "type"), Some("assistant" | "user")) && row["isSidechain"] != true)
        .find(|row| row["uuid"].is_string())
        .ok_or("the conversation's file has no messages")?;
    Ok(json!({
        "parentUuid": last["uuid"],
        "isSidechain": false,
        "type": "user",
        "message": { "role": "user", "content": results },
        "uuid": uuid::Uuid::new_v4().to_string(),
        "timestamp": jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string(),
        "userType": "external",
        "cwd": spec.cwd,
        "sessionId": conversation,
        "version": last["version"],
    }))
}

/// Runs a script with the CLI's directory and the conversation's id as its arguments.
async fn on_host(
    shared: &Shared,
    spec: &SessionSpec,
    conversation: &str,
    script: &str,
    input: &[u8],
) -> Result<String, String> {
    let args = [shared.config.config_dir.clone().into(), conversation.into()];
    shell::run(shared, &spec.cwd, script, args, input).await.map_err(|failure| match failure {
        Failure::Exit(Some(3)) => "the conversation's file is not there".to_owned(),
        other => other.to_string(),
    })
}
