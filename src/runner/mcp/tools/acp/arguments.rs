//! Arguments of the calls, checked before anything of them reaches an address. Pure; errors are sentences for the agent.

use serde_json::{Value, json};

use crate::{
    api::validate::text::{is_file_path, is_object_name, is_protocol_id, quoted},
    workspace::git::{
        refname,
        url::{self, UrlPolicy},
    },
};

/// The longest prompt or message, in bytes.
const MAX_PROMPT: usize = 64 * 1024;
/// The longest name, search text or path, in bytes.
const MAX_SHORT: usize = 253;
/// The most repositories of a session.
const MAX_REPOS: usize = 16;

/// The phases of a session.
pub(super) const PHASES: [&str; 7] = ["Pending", "Creating", "Running", "Stopping", "Stopped", "Completed", "Failed"];

/// Which sessions are listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Listing {
    pub(super) include_completed: bool,
    pub(super) phase: Option<String>,
    pub(super) search: Option<String>,
    pub(super) limit: usize,
    pub(super) offset: usize,
}

pub(super) fn listing(arguments: &Value) -> Result<Listing, String> {
    let phase = optional(arguments, "phase", MAX_SHORT)?;
    if phase.as_ref().is_some_and(|phase| !PHASES.contains(&phase.as_str())) {
        return Err(format!("phase: expected one of {}", PHASES.join(", ")));
    }
    Ok(Listing {
        include_completed: flag(arguments, "include_completed")?,
        phase,
        search: optional(arguments, "search", MAX_SHORT)?,
        limit: number(arguments, "limit", 20, 1..=100)?,
        offset: number(arguments, "offset", 0, 0..=10_000)?,
    })
}

/// The session that a call is about.
pub(super) fn session_name(arguments: &Value) -> Result<String, String> {
    let name = required(arguments, "session_name", MAX_SHORT)?;
    if is_object_name(&name) {
        return Ok(name);
    }
    Err(format!(
        "session_name: expected lowercase letters, digits and hyphens, as acp_list_sessions tells names, found {}",
        quoted(&name)
    ))
}

/// How many messages are told.
pub(super) fn max_messages(arguments: &Value) -> Result<usize, String> {
    number(arguments, "max_messages", 5, 1..=50)
}

/// The body of a request for a session.
pub(super) fn new_session(arguments: &Value) -> Result<Value, String> {
    let name = session_name(arguments)?;
    let shown = optional(arguments, "display_name", MAX_SHORT)?;
    let mut body = json!({ "sessionName": name, "displayName": shown.unwrap_or(name) });
    if let Some(prompt) = optional(arguments, "initial_prompt", MAX_PROMPT)? {
        body["initialPrompt"] = json!(prompt);
    }
    if let Some(model) = model(arguments)? {
        body["llmSettings"] = json!({ "model": model });
    }
    let repos = repos(&arguments["repos"])?;
    if !repos.is_empty() {
        body["repos"] = json!(repos);
    }
    if let Some(workflow) = workflow(arguments)? {
        body["activeWorkflow"] = workflow;
    }
    Ok(body)
}

/// The body of a run with one message.
pub(super) fn message(arguments: &Value, run_id: &str) -> Result<Value, String> {
    let text = required(arguments, "message", MAX_PROMPT)?;
    let message = json!({ "id": format!("{run_id}-message"), "role": "user", "content": text });
    let mut body = json!({ "runId": run_id, "messages": [message] });
    if let Some(thread) = optional(arguments, "thread_id", MAX_SHORT)? {
        if !is_protocol_id(&thread) {
            return Err("thread_id: expected letters, digits and . _ : -".to_owned());
        }
        body["threadId"] = json!(thread);
    }
    Ok(body)
}

fn model(arguments: &Value) -> Result<Option<String>, String> {
    let model = optional(arguments, "model", MAX_SHORT)?;
    if model.as_ref().is_some_and(|model| !model.chars().all(|c| c.is_ascii_graphic())) {
        return Err("model: expected the name of a model, without spaces".to_owned());
    }
    Ok(model)
}

fn workflow(arguments: &Value) -> Result<Option<Value>, String> {
    let Some(address) = optional(arguments, "workflow_git_url", url_limit())? else {
        return Ok(None);
    };
    let mut workflow = json!({ "gitUrl": clone_url("workflow_git_url", &address)? });
    if let Some(branch) = optional(arguments, "workflow_branch", MAX_SHORT)? {
        workflow["branch"] = json!(checked_branch("workflow_branch", branch)?);
    }
    if let Some(path) = optional(arguments, "workflow_path", MAX_SHORT)? {
        if !is_file_path(&path) {
            return Err("workflow_path: expected a folder of the repository, such as workflows/bugfix".to_owned());
        }
        workflow["path"] = json!(path);
    }
    Ok(Some(workflow))
}

/// Repositories: a list, or its JSON as text.
fn repos(given: &Value) -> Result<Vec<Value>, String> {
    const EXPECTED: &str = r#"repos: expected a JSON list such as [{"url": "https://…", "branch": "main"}]"#;
    let parsed;
    let list = match given {
        Value::Null => return Ok(Vec::new()),
        Value::String(text) if text.trim().is_empty() => return Ok(Vec::new()),
        Value::String(text) => {
            parsed = serde_json::from_str::<Value>(text).map_err(|error| format!("{EXPECTED}: {error}"))?;
            &parsed
        }
        other => other,
    };
    let list = list.as_array().ok_or(EXPECTED)?;
    if list.len() > MAX_REPOS {
        return Err(format!("repos: expected {MAX_REPOS} at most, found {}", list.len()));
    }
    list.iter().map(repo).collect()
}

fn repo(given: &Value) -> Result<Value, String> {
    let mut repo = json!({ "url": clone_url("repos", &required(given, "url", url_limit())?)? });
    if let Some(branch) = optional(given, "branch", MAX_SHORT)? {
        repo["branch"] = json!(checked_branch("repos", branch)?);
    }
    if let Some(push) = given["autoPush"].as_bool() {
        repo["autoPush"] = json!(push);
    }
    Ok(repo)
}

/// An address without anything before the `@` that could be a secret.
fn clone_url(member: &str, address: &str) -> Result<String, String> {
    let parsed = url::parse(address, UrlPolicy::default()).map_err(|error| format!("{member}: {error}"))?;
    Ok(parsed.url.to_string())
}

fn checked_branch(member: &str, branch: String) -> Result<String, String> {
    refname::check(&branch).map_err(|error| format!("{member}: {error}"))?;
    Ok(branch)
}

const fn url_limit() -> usize {
    2048
}

fn required(arguments: &Value, member: &str, limit: usize) -> Result<String, String> {
    optional(arguments, member, limit)?.ok_or_else(|| format!("{member}: expected a text that is not empty"))
}

/// A text; one that is empty is absent.
fn optional(arguments: &Value, member: &str, limit: usize) -> Result<Option<String>, String> {
    let text = match &arguments[member] {
        Value::Null => return Ok(None),
        Value::String(text) => text.trim(),
        _ => return Err(format!("{member}: expected a text")),
    };
    if text.len() > limit {
        return Err(format!("{member}: it is longer than {limit} bytes; shorten it"));
    }
    if text.contains(|c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
        return Err(format!("{member}: it has control characters; leave them out"));
    }
    Ok((!text.is_empty()).then(|| text.to_owned()))
}

fn flag(arguments: &Value, member: &str) -> Result<bool, String> {
    match &arguments[member] {
        Value::Null => Ok(false),
        Value::Bool(flag) => Ok(*flag),
        _ => Err(format!("{member}: expected true or false")),
    }
}

fn number(
    arguments: &Value,
    member: &str,
    default: usize,
    range: std::ops::RangeInclusive<usize>,
) -> Result<usize, String> {
    if arguments[member].is_null() {
        return Ok(default);
    }
    let number = arguments[member].as_u64().and_then(|number| usize::try_from(number).ok());
    number
        .filter(|number| range.contains(number))
        .ok_or_else(|| format!("{member}: expected a number from {} to {}", range.start(), range.end()))
}
