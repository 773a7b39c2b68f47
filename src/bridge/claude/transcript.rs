//! Answering calls in a conversation that no process has open: the results are appended to its file, on the agent's host.
//!
//! A CLI that is started anew takes results of open calls in no other way for more than one call. The file is found,
//! read and written by a shell on the host, since the runner may only read it, or may not even see it.

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{agent::Shared, wire::text};
use crate::{
    bridge::SessionSpec,
    host::{AgentProcess, ProcessSpec},
};

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
    let end = shell(shared, spec, conversation, &read, b"").await?;
    let mut row = row(&end, spec, conversation, results)?.to_string();
    row.insert(0, '\n');
    row.push('\n');
    let append = r#"for f in "$1"/projects/*/"$2".jsonl; do [ -f "$f" ] && exec cat >> "$f"; done; exit 3"#;
    shell(shared, spec, conversation, append, row.as_bytes()).await.map(|_| ())
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

/// Runs a script on the agent's host and returns what it wrote.
async fn shell(
    shared: &Shared,
    spec: &SessionSpec,
    conversation: &str,
    script: &str,
    input: &[u8],
) -> Result<String, String> {
    let path = shared.config.env.0.get("PATH").map_or("/usr/bin:/bin", String::as_str);
    let process = ProcessSpec {
        program: "sh".into(),
        args: ["-c", script, "sh"]
            .map(Into::into)
            .into_iter()
            .chain([shared.config.config_dir.clone().into(), conversation.into()])
            .collect(),
        env: vec![("PATH".into(), path.into())],
        cwd: spec.cwd.clone(),
    };
    let started = shared.host.start(process).await.map_err(|error| error.to_string())?;
    match tokio::time::timeout(shared.config.timing.start, talk(started, input)).await {
        Ok(outcome) => outcome,
        Err(_) => Err("the shell on the agent's host did not end in time".to_owned()),
    }
}

async fn talk(process: AgentProcess, input: &[u8]) -> Result<String, String> {
    let AgentProcess { mut stdin, mut stdout, stderr, control } = process;
    stdin.write_all(input).await.map_err(|error| error.to_string())?;
    drop((stdin, stderr));
    let mut output = Vec::new();
    stdout.read_to_end(&mut output).await.map_err(|error| error.to_string())?;
    match control.wait().await.map_err(|error| error.to_string())?.code {
        Some(0) => Ok(String::from_utf8_lossy(&output).into_owned()),
        Some(3) => Err("the conversation's file is not there".to_owned()),
        code => Err(format!("the shell on the agent's host ended with {code:?}")),
    }
}
