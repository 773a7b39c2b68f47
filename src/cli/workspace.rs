//! From a session's settings to its workspace, and from its workspace to what the agent and the stream are told.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use serde_json::{Value, json};

use crate::{
    agui::Id,
    api::{self, AgenticSession, AgenticSessionSpec, names, session::PermissionMode as SpecMode},
    bridge::{Instructions, McpServers, PermissionMode, Secrets, SessionSpec, SystemPrompt},
    runner::{
        SessionTemplate,
        mcp::tools::{Rubric, RubricSlot},
    },
    workspace::{
        Access, FileSpec, HydrateError, Hydrated, HydratedRepo, Layout, MainRepo, RepoSpec, WorkspacePlan,
        git::{self, credentials::Credentials, url::UrlPolicy},
        memory,
        prompt::{PlatformTools, workspace_prompt},
        workflow::{self, WorkflowSource},
    },
};

/// What the workspace of a session is to hold, on a laptop.
pub(super) fn plan(session: &AgenticSession, credentials: Credentials, dirs: Dirs) -> WorkspacePlan {
    let spec = &session.spec;
    let repos = spec.repos.iter().map(|repo| RepoSpec {
        name: repo.name.clone(),
        url: repo.url.clone(),
        branch: repo.branch.clone(),
        auto_push: repo.auto_push,
    });
    let files = spec.files.iter().map(|file| FileSpec { path: file.path.clone(), content: file.content.clone() });
    WorkspacePlan {
        state_dir: Some(dirs.state),
        repos: repos.collect(),
        main_repo: spec.main_repo.clone().map(MainRepo::Name),
        files: files.collect(),
        credentials,
        // It is the person's own machine: repositories on it, and on a server of their own network, are theirs to name.
        urls: UrlPolicy { http: true, file: true },
        ..WorkspacePlan::new(session.metadata.name.as_deref().unwrap_or_default(), dirs.workspace, dirs.data)
    }
}

/// Where a session's things are.
pub(super) struct Dirs {
    pub(super) workspace: PathBuf,
    pub(super) state: PathBuf,
    pub(super) data: PathBuf,
}

/// A workspace that somebody else has set up: the init container, or nobody, and then it is empty. Repositories that are
/// not there are left out.
pub(super) fn adopt(
    session: &str,
    root: &Path,
    state_dir: &Path,
    spec: &AgenticSessionSpec,
    main_index: usize,
) -> Result<Hydrated, HydrateError> {
    let root = absolute(root)?;
    let layout = Layout::new(root);
    layout.create(Access::Private)?;
    make_dir(state_dir)?;
    let repos: Vec<HydratedRepo> = spec.repos.iter().filter_map(|repo| there(&layout, repo)).collect();
    let main = main_repo(&repos, spec.main_repo.as_deref(), main_index).map(|repo| repo.name.clone());
    let mut hydrated = Hydrated {
        cwd: PathBuf::new(),
        add_dirs: Vec::new(),
        working_branch: names::working_branch(session),
        layout,
        repos,
        main,
        workflow: None,
    };
    hydrated.arrange();
    Ok(hydrated)
}

fn absolute(path: &Path) -> Result<PathBuf, HydrateError> {
    std::path::absolute(path).map_err(|source| HydrateError::Directory { path: path.to_owned(), source })
}

fn make_dir(path: &Path) -> Result<(), HydrateError> {
    std::fs::create_dir_all(path).map_err(|source| HydrateError::Directory { path: path.to_owned(), source })
}

fn there(layout: &Layout, repo: &api::session::RepoSpec) -> Option<HydratedRepo> {
    let path = layout.repo(repo.folder());
    // A URL that does not parse may hold a password anywhere, so nothing of it is shown.
    let url = git::url::parse(&repo.url, UrlPolicy { http: true, file: true });
    path.is_dir().then(|| HydratedRepo {
        name: repo.folder().to_owned(),
        path,
        url: url.map(|parsed| parsed.url.to_string()).unwrap_or_default(),
        base: repo.branch.clone(),
        base_commit: None,
        branch: None,
        auto_push: repo.auto_push,
        fresh: false,
    })
}

/// The repository that the agent starts in: by name, else by place.
fn main_repo<'a>(repos: &'a [HydratedRepo], name: Option<&str>, index: usize) -> Option<&'a HydratedRepo> {
    let named = repos.iter().find(|repo| Some(repo.name.as_str()) == name);
    named.or_else(|| repos.get(index)).or_else(|| repos.first())
}

/// What every agent of the session is started with.
pub(super) fn template(
    name: &str,
    spec: &AgenticSessionSpec,
    hydrated: &Hydrated,
    tools: &AgentTools,
) -> SessionTemplate {
    let agent = spec.agent.clone().unwrap_or_default();
    SessionTemplate(SessionSpec {
        thread_id: Id::from(name),
        cwd: hydrated.cwd.clone(),
        add_dirs: hydrated.add_dirs.clone(),
        model: spec.llm_settings.as_ref().map(|settings| settings.model.clone()),
        system_prompt: SystemPrompt::Append(prompt(hydrated, agent.system_prompt.clone(), tools)),
        permission_mode: permission_mode(agent.permission_mode),
        allowed_tools: agent.allowed_tools,
        disallowed_tools: agent.disallowed_tools,
        max_turns: agent.max_turns,
        output_schema: agent.output_schema,
        frontend_tools: Vec::new(),
        env: Secrets(environment(spec, hydrated)),
        mcp_servers: tools.servers.clone(),
        instructions: instructions(hydrated),
        tools_endpoint: None,
        user: None,
    })
}

/// The session's own variables, and one that keeps git from looking for a repository above the workspace: on a laptop it
/// would find the person's own.
fn environment(spec: &AgenticSessionSpec, hydrated: &Hydrated) -> BTreeMap<String, String> {
    let mut env = spec.environment_variables.clone();
    if let Some(above) = hydrated.layout.root().parent() {
        let ceiling = || above.display().to_string();
        env.entry("GIT_CEILING_DIRECTORIES".to_owned()).or_insert_with(ceiling);
    }
    env
}

pub(super) fn permission_mode(mode: SpecMode) -> PermissionMode {
    match mode {
        SpecMode::Default => PermissionMode::Default,
        SpecMode::AcceptEdits => PermissionMode::AcceptEdits,
        SpecMode::Plan => PermissionMode::Plan,
        SpecMode::BypassPermissions => PermissionMode::BypassPermissions,
        SpecMode::DontAsk => PermissionMode::DontAsk,
    }
}

/// What of its folders' own instructions the agent is given: those of the repositories, or of the workspace where there is
/// none, and of the workflow that somebody has chosen also its commands, skills and agents.
pub(super) fn instructions(hydrated: &Hydrated) -> Instructions {
    let commands = hydrated.workflow.as_ref().and_then(|workflow| workflow::commands(&workflow.directory));
    if commands.is_some() {
        return Instructions { folders: memory::folders(&hydrated.layout, &hydrated.repos), workflow: commands };
    }
    let others = hydrated.repos.iter().map(|repo| &repo.path).filter(|path| **path != hydrated.cwd);
    Instructions { folders: std::iter::once(&hydrated.cwd).chain(others).cloned().collect(), workflow: None }
}

/// The tools that a session's agent has beside its own.
#[derive(Debug, Clone, Default)]
pub(super) struct AgentTools {
    pub(super) servers: McpServers,
    /// Whether credentials can be refreshed.
    pub(super) refresh: bool,
    /// The rubric that the agent's tool evaluates by.
    pub(super) rubric: RubricSlot,
}

/// What goes after the agent's own system prompt, with the owner's instructions. The tool for the rubric follows the workflow.
pub(super) fn prompt(hydrated: &Hydrated, owner: Option<String>, tools: &AgentTools) -> String {
    let rubric = hydrated.workflow.as_ref().and_then(|workflow| Rubric::of_workflow(&workflow.directory));
    let mut context = hydrated.prompt_context(uploaded(&hydrated.layout.uploads()), owner);
    context.mcp_servers = tools.servers.0.keys().cloned().collect();
    context.tools = PlatformTools { session: tools.refresh, corrections: true, rubric: rubric.is_some() };
    tools.rubric.set(rubric);
    workspace_prompt(&context)
}

/// The names of uploaded files; a folder that cannot be read has none.
fn uploaded(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// What `STATE_SNAPSHOT` says of the workspace.
pub(super) fn state(hydrated: &Hydrated) -> Value {
    let repos: Vec<Value> = hydrated
        .repos
        .iter()
        .map(|repo| json!({ "name": repo.name, "url": repo.url, "branch": branch(hydrated, repo), "autoPush": repo.auto_push }))
        .collect();
    let mut state = json!({ "path": hydrated.layout.root(), "cwd": hydrated.cwd, "repos": repos });
    if let Some(workflow) = &hydrated.workflow {
        let WorkflowSource { git_url, branch, path } = &workflow.source;
        state["workflow"] =
            json!({ "gitUrl": git_url, "branch": branch, "path": path, "directory": workflow.directory });
    }
    state
}

fn branch<'a>(hydrated: &'a Hydrated, repo: &'a HydratedRepo) -> &'a str {
    repo.branch.as_deref().unwrap_or(&hydrated.working_branch)
}

/// What the first run's stream says of the set-up.
pub(super) fn note(hydrated: &Hydrated) -> String {
    let repos: Vec<String> = hydrated
        .repos
        .iter()
        .map(|repo| {
            format!("{} ({} → {})", repo.name, repo.base.as_deref().unwrap_or("as it was"), branch(hydrated, repo))
        })
        .collect();
    let what = if repos.is_empty() { "no repositories".to_owned() } else { repos.join(", ") };
    format!("The workspace {} is ready: {what}.", hydrated.layout.root().display())
}

/// The same on one line of a terminal.
pub(super) fn line(session: &AgenticSession, hydrated: &Hydrated) -> String {
    let repos: Vec<&str> = hydrated.repos.iter().map(|repo| repo.name.as_str()).collect();
    let files = session.spec.files.len();
    match (repos.is_empty(), files) {
        (true, 0) => "empty".to_owned(),
        (true, files) => count(files, "file"),
        (false, 0) => repos.join(", "),
        (false, files) => format!("{}, {}", repos.join(", "), count(files, "file")),
    }
}

fn count(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}
