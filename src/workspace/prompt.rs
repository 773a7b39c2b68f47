//! What the agent is told about its workspace: appended to the agent's own system prompt. A pure function of plain data.
//!
//! Names from people and repositories stand in fenced blocks, as JSON: a line break or a fence in a name stays inside of it.

mod sections;

use std::path::{Path, PathBuf};

use serde_json::json;

use super::workflow::ActiveWorkflow;

/// Uploaded files that are named.
const NAMED_UPLOADS: usize = 50;

/// What there is to tell.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WorkspaceContext {
    /// Where the agent starts.
    pub cwd: PathBuf,
    /// Where it puts what it makes for people.
    pub artifacts: PathBuf,
    /// Where uploaded files are.
    pub uploads: PathBuf,
    /// Names of uploaded files.
    pub uploaded: Vec<String>,
    /// `ambient/<session>`
    pub working_branch: String,
    /// In the order of the manifest.
    pub repos: Vec<RepoContext>,
    /// The workflow that the agent follows.
    pub workflow: Option<ActiveWorkflow>,
    /// Names of the MCP servers that people have connected.
    pub mcp_servers: Vec<String>,
    /// The platform's own tools that the agent has.
    pub tools: PlatformTools,
    /// `spec.agent.systemPrompt`.
    pub owner_instructions: Option<String>,
}

/// Tools of the platform: the agent is told of those that it has, and of no other.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PlatformTools {
    /// `refresh_credentials`
    pub session: bool,
    /// `log_correction`
    pub corrections: bool,
    /// `evaluate_rubric`
    pub rubric: bool,
}

/// A repository, as the agent is told of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RepoContext {
    /// The directory below `repos/`.
    pub name: String,
    /// Its path.
    pub path: PathBuf,
    /// The clone URL, without password or token.
    pub url: String,
    /// The branch or tag that the working branch started from.
    pub base: Option<String>,
    /// The branch that is checked out for it.
    pub branch: String,
    /// Whether the agent should push.
    pub auto_push: bool,
}

/// The text to append to the agent's system prompt.
#[must_use]
pub fn workspace_prompt(context: &WorkspaceContext) -> String {
    let sections = [
        data_note(context),
        repositories(context),
        uploads(context),
        pushing(context),
        sections::mcp(context),
        sections::tools(context),
        sections::workflow(context),
        owner(context),
    ];
    fill(
        include_str!("prompts/workspace.md"),
        &[
            ("cwd", &quoted(&context.cwd)),
            ("artifacts", &quoted(&context.artifacts)),
            ("uploads", &quoted(&context.uploads)),
            ("upload_count", &upload_count(context.uploaded.len())),
            ("repositories", &repository_count(context.repos.len())),
            ("working_branch", &code(&context.working_branch)),
            ("sections", &sections.concat()),
        ],
    )
}

fn data_note(context: &WorkspaceContext) -> String {
    let empty = context.repos.is_empty() && context.uploaded.is_empty();
    if empty && context.workflow.is_none() && context.mcp_servers.is_empty() {
        return String::new();
    }
    include_str!("prompts/data.md").to_owned()
}

fn repositories(context: &WorkspaceContext) -> String {
    if context.repos.is_empty() {
        return String::new();
    }
    let lines = context.repos.iter().map(|repo| {
        let line = json!({
            "branch": repo.branch,
            "name": repo.name,
            "path": repo.path.to_string_lossy(),
            "url": repo.url,
            "startedFrom": repo.base,
            "push": repo.auto_push,
        });
        line.to_string()
    });
    fill(include_str!("prompts/repositories.md"), &[("block", &fenced("json", &join(lines)))])
}

fn uploads(context: &WorkspaceContext) -> String {
    if context.uploaded.is_empty() {
        return String::new();
    }
    let names = context.uploaded.iter().take(NAMED_UPLOADS).map(|name| json!(name).to_string());
    fill(include_str!("prompts/uploads.md"), &[("block", &fenced("json", &join(names)))])
}

fn pushing(context: &WorkspaceContext) -> String {
    if context.repos.is_empty() {
        return String::new();
    }
    let (push, keep): (Vec<_>, Vec<_>) = context.repos.iter().partition(|repo| repo.auto_push);
    if push.is_empty() {
        return include_str!("prompts/no_push.md").to_owned();
    }
    let push = push.iter().map(|repo| {
        let branch =
            if repo.branch == context.working_branch { String::new() } else { format!(" ({})", code(&repo.branch)) };
        format!("- {}{branch}", code(&repo.name))
    });
    let others = if keep.is_empty() { "" } else { " Commit in the other repositories without pushing." };
    let working_branch = plain(&context.working_branch);
    fill(
        include_str!("prompts/push.md"),
        &[("working_branch", &working_branch), ("push", &join(push)), ("others", others)],
    )
}

fn owner(context: &WorkspaceContext) -> String {
    let text = context.owner_instructions.as_deref().map(str::trim).unwrap_or_default();
    if text.is_empty() {
        return String::new();
    }
    fill(include_str!("prompts/owner.md"), &[("block", &fenced("text", text))])
}

fn upload_count(count: usize) -> String {
    match count {
        0 => "There are none yet.".to_owned(),
        count if count > NAMED_UPLOADS => {
            format!("There are {count}; the first {NAMED_UPLOADS} are named below.")
        }
        1 => "There is one, named below.".to_owned(),
        count => format!("There are {count}, named below."),
    }
}

fn repository_count(count: usize) -> String {
    match count {
        0 => "none".to_owned(),
        1 => "one, described below".to_owned(),
        count => format!("{count}, described below"),
    }
}

/// Replaces `{name}` in one pass, so that nothing in a value is taken for a placeholder.
fn fill(template: &str, values: &[(&str, &str)]) -> String {
    let mut text = String::with_capacity(template.len());
    let mut rest = template;
    while let Some(start) = rest.find('{') {
        text.push_str(&rest[..start]);
        rest = &rest[start..];
        let known = values.iter().find_map(|(name, value)| {
            let after = rest.strip_prefix('{')?.strip_prefix(name)?.strip_prefix('}')?;
            Some((*value, after))
        });
        let (value, after) = known.unwrap_or(("{", &rest[1..]));
        text.push_str(value);
        rest = after;
    }
    text + rest
}

/// A block whose fence is longer than any run of backticks in it.
fn fenced(language: &str, text: &str) -> String {
    let fence = "`".repeat(longest_run(text).max(2) + 1);
    format!("{fence}{language}\n{text}\n{fence}")
}

fn longest_run(text: &str) -> usize {
    let runs = text.split(|c| c != '`');
    runs.map(str::len).max().unwrap_or(0)
}

/// A path inside a line.
fn quoted(path: &Path) -> String {
    code(&path.to_string_lossy())
}

/// A short name inside a line.
fn code(text: &str) -> String {
    format!("`{}`", plain(text))
}

/// Text that stays inside a line and inside its backticks.
fn plain(text: &str) -> String {
    text.chars().filter(|c| !c.is_control() && *c != '`').collect()
}

fn join(lines: impl Iterator<Item = String>) -> String {
    lines.collect::<Vec<_>>().join("\n")
}
