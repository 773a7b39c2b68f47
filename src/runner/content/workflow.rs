//! What the active workflow offers: its commands, its agents and its `ambient.json`.
//!
//! The files come from somebody else's repository: what cannot be read is left out, and everything has a bound.

use std::{ffi::OsStr, io::Read, os::unix::ffi::OsStrExt};

use rustix::fs::Dir;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{Content, ContentError, blocking, front_matter::FrontMatter};
use crate::workspace::{
    beneath::Root,
    layout::WORKFLOWS,
    reach::{Last, Missing, is_directory},
};

/// Files that are looked at in a directory, and directories below `workflows/`.
const MAX_FILES: usize = 500;
/// How much of a command or agent is read: its front matter is at the start.
const MAX_HEAD: u64 = 32 * 1024;
/// The largest `ambient.json`.
const MAX_CONFIG: u64 = 1 << 20;
/// The order of a command that names none: after all others, and exact in JavaScript.
const LAST: i64 = 9_007_199_254_740_991;

/// What `GET /content/workflow-metadata` tells.
#[derive(Debug, PartialEq, Serialize)]
pub(crate) struct Metadata {
    commands: Vec<Command>,
    agents: Vec<Agent>,
    config: Value,
}

#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Command {
    id: String,
    name: String,
    description: String,
    slash_command: String,
    icon: String,
    order: i64,
}

#[derive(Debug, PartialEq, Eq, Serialize)]
struct Agent {
    id: String,
    name: String,
    description: String,
    tools: Vec<String>,
}

impl Content {
    /// Reads the active workflow. Where none is known, that is the first below `workflows/` that has commands, agents or a
    /// configuration: somebody has put it there.
    pub(crate) async fn workflow(&self) -> Result<Metadata, ContentError> {
        let root = self.open()?;
        let active = (self.active)().and_then(|path| Some(path.strip_prefix(&self.root).ok()?.to_str()?.to_owned()));
        blocking(move || {
            Ok(match active.or_else(|| first(&root)) {
                Some(at) => metadata(&root, &at),
                None => Metadata { commands: Vec::new(), agents: Vec::new(), config: default_config() },
            })
        })
        .await
    }
}

fn metadata(root: &Root, at: &str) -> Metadata {
    Metadata { commands: commands(root, at), agents: agents(root, at), config: config(root, at) }
}

fn first(root: &Root) -> Option<String> {
    let mut names = names(root, WORKFLOWS);
    // The workflow of a session without one.
    names.retain(|name| name != "default");
    let place = |name: &String| format!("{WORKFLOWS}/{name}");
    let has = |at: &String, name: &str| is_there(root, &format!("{at}/{name}"));
    let with = |wanted: &str| names.iter().map(place).find(|at| has(at, wanted));
    with(".claude").or_else(|| with(".ambient"))
}

fn commands(root: &Root, at: &str) -> Vec<Command> {
    let mut commands: Vec<Command> = documents(root, &format!("{at}/.claude/commands")).map(command).collect();
    commands.sort_by(|a, b| (a.order, &a.id).cmp(&(b.order, &b.id)));
    commands
}

fn command((id, said): (String, FrontMatter)) -> Command {
    let text = |key| said.text(key).unwrap_or_default().to_owned();
    Command {
        name: said.text("displayName").or_else(|| said.text("name")).unwrap_or(&id).to_owned(),
        description: text("description"),
        slash_command: format!("/{id}"),
        icon: text("icon"),
        order: said.text("order").and_then(|order| order.parse().ok()).unwrap_or(LAST),
        id,
    }
}

fn agents(root: &Root, at: &str) -> Vec<Agent> {
    let agent = |(id, said): (String, FrontMatter)| Agent {
        name: said.text("name").unwrap_or(&id).to_owned(),
        description: said.text("description").unwrap_or_default().to_owned(),
        tools: said.list("tools"),
        id,
    };
    documents(root, &format!("{at}/.claude/agents")).map(agent).collect()
}

/// The Markdown files of a directory, by name.
fn documents(root: &Root, at: &str) -> impl Iterator<Item = (String, FrontMatter)> {
    names(root, at).into_iter().filter_map(move |name| {
        let id = name.strip_suffix(".md").filter(|id| !id.is_empty())?.to_owned();
        let text = text(root, &format!("{at}/{name}"), MAX_HEAD)?;
        Some((id, FrontMatter::parse(&text)))
    })
}

fn config(root: &Root, at: &str) -> Value {
    let Some(text) = text(root, &format!("{at}/.ambient/ambient.json"), MAX_CONFIG) else {
        return default_config();
    };
    let Ok(Value::Object(said)) = serde_json::from_str(&text) else {
        tracing::warn!(workflow = at, "its .ambient/ambient.json is not a JSON object and is passed over");
        return default_config();
    };
    configured(&said)
}

fn configured(said: &Map<String, Value>) -> Value {
    let text = |key: &str| said.get(key).and_then(Value::as_str).unwrap_or_default();
    let artifacts = Some(text("artifactsDir")).filter(|text| !text.is_empty()).unwrap_or("artifacts");
    let mut config = json!({
        "name": text("name"),
        "description": text("description"),
        "systemPrompt": text("systemPrompt"),
        "artifactsDir": artifacts,
    });
    if let (Some(rubric @ Value::Object(_)), Some(config)) = (said.get("rubric"), config.as_object_mut()) {
        config.insert("rubric".to_owned(), rubric.clone());
    }
    config
}

fn default_config() -> Value {
    json!({ "artifactsDir": "artifacts" })
}

/// The sorted names in a directory; none when it cannot be read.
fn names(root: &Root, at: &str) -> Vec<String> {
    let list = || {
        let path = at.parse().ok()?;
        let directory = root.reach(Some(&path), Missing::Refuse, Last::Follow).ok()?.directory().ok()?;
        let entries = Dir::read_from(directory).ok()?.filter_map(Result::ok);
        let name =
            |entry: rustix::fs::DirEntry| OsStr::from_bytes(entry.file_name().to_bytes()).to_str().map(str::to_owned);
        let names = entries.filter_map(name).filter(|name| !matches!(name.as_str(), "." | ".."));
        Some(names.take(MAX_FILES).collect())
    };
    let mut names: Vec<String> = list().unwrap_or_default();
    names.sort_unstable();
    names
}

fn is_there(root: &Root, at: &str) -> bool {
    let stat = |path| root.reach(Some(&path), Missing::Refuse, Last::Follow).ok()?.stat().ok()?;
    at.parse().ok().and_then(stat).as_ref().is_some_and(is_directory)
}

/// The start of a file; nothing when it cannot be read. What is not UTF-8 is shown as U+FFFD.
fn text(root: &Root, at: &str, limit: u64) -> Option<String> {
    let path = at.parse().ok()?;
    let file = root.reach(Some(&path), Missing::Refuse, Last::Follow).ok()?.file().ok()?;
    let mut bytes = Vec::new();
    file.take(limit).read_to_end(&mut bytes).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}
