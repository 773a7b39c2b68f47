//! The environment of a session's containers: the names that the platform and the runner agree on. Pure.

use kube::ResourceExt;
use serde_json::{Value, json};

use super::objects::TOKEN_KEY;
use crate::{
    api::{AgenticSession, McpServers, names, session::WorkflowSpec},
    operator::config::Config,
};

/// Where things are in every container.
pub(super) const WORKSPACE: &str = "/workspace";
pub(super) const STATE: &str = "/app/.claude";
pub(super) const DATA: &str = "/var/lib/ambient";
pub(super) const SOCKET_DIR: &str = "/run/ambient";
pub(super) const FILES: &str = "/etc/ambient";

const SOCKET: &str = "/run/ambient/agent.sock";

/// Variables that a session cannot set: the pod would not be what the operator takes it for.
const OURS: [&str; 13] = [
    "AGUI_HOST",
    "AGUI_PORT",
    "AGUI_TOKEN",
    "AMBIENT_AGENT_SOCKET",
    "AMBIENT_DATA_DIR",
    "AMBIENT_FILES",
    "AMBIENT_FIRST_SEQ",
    "BACKEND_API_URL",
    "INITIAL_PROMPT",
    "PROJECT_NAME",
    "RUNNER_STATE_DIR",
    "SESSION_ID",
    "WORKSPACE_PATH",
];

/// Whether only the operator may set a variable.
pub(super) fn is_ours(name: &str) -> bool {
    OURS.contains(&name)
}

/// A list of variables that is put together.
#[derive(Debug, Default)]
struct Env(Vec<Value>);

impl Env {
    fn set(&mut self, name: &str, value: impl Into<String>) {
        self.0.push(json!({ "name": name, "value": value.into() }));
    }

    fn maybe(&mut self, name: &str, value: Option<impl Into<String>>) {
        if let Some(value) = value {
            self.set(name, value);
        }
    }
}

/// The agent's container holds nothing.
pub(super) fn agent() -> Vec<Value> {
    let mut env = Env::default();
    env.set("AMBIENT_AGENT_SOCKET", SOCKET);
    env.0
}

/// The set-up of the workspace.
pub(super) fn hydrate(session: &AgenticSession) -> Vec<Value> {
    let mut env = places(session);
    sources(&mut env, session);
    if !session.spec.files.is_empty() {
        env.set("AMBIENT_FILES", format!("{FILES}/{}", super::objects::FILES_KEY));
    }
    env.0
}

/// The runner.
pub(super) fn runner(session: &AgenticSession, project: Option<&McpServers>, config: &Config) -> Vec<Value> {
    let (name, namespace) = (session.name_any(), session.namespace().unwrap_or_default());
    let mut env = places(session);
    env.set("AGENTIC_SESSION_NAME", &name);
    env.set("AGENTIC_SESSION_NAMESPACE", &namespace);
    env.set("PROJECT_NAME", &namespace);
    env.set("ARTIFACTS_DIR", "artifacts");
    env.set("USE_AGUI", "true");
    env.set("AGUI_PORT", config.port.to_string());
    let token = json!({ "secretKeyRef": { "name": names::token_secret(&name), "key": TOKEN_KEY } });
    env.0.push(json!({ "name": "AGUI_TOKEN", "valueFrom": token }));
    env.set("AMBIENT_AGENT_SOCKET", SOCKET);
    let backend = config.backend_namespace.as_ref();
    env.maybe(
        "BACKEND_API_URL",
        backend.map(|name| format!("http://backend-service.{name}.svc.cluster.local:8080/api")),
    );
    person(&mut env, session);
    model(&mut env, session);
    sources(&mut env, session);
    workflow(&mut env, session.spec.active_workflow.as_ref());
    env.maybe("CUSTOM_MCP_SERVERS", session.spec.mcp_servers.as_ref().and_then(json_text));
    env.maybe("PROJECT_MCP_SERVERS", project.and_then(json_text));
    env.maybe("SDK_OPTIONS", options(session));
    own(&mut env, session);
    env.0
}

fn places(session: &AgenticSession) -> Env {
    let mut env = Env::default();
    env.set("SESSION_ID", session.name_any());
    env.set("WORKSPACE_PATH", WORKSPACE);
    env.set("RUNNER_STATE_DIR", STATE);
    env.set("AMBIENT_DATA_DIR", DATA);
    env.set("AMBIENT_LOG_FORMAT", "json");
    env
}

fn person(env: &mut Env, session: &AgenticSession) {
    let user = session.spec.user_context.as_ref();
    env.maybe("USER_ID", user.and_then(|user| user.user_id.clone()));
    env.maybe("USER_NAME", user.and_then(|user| user.display_name.clone()));
}

fn model(env: &mut Env, session: &AgenticSession) {
    if let Some(settings) = &session.spec.llm_settings {
        env.set("LLM_MODEL", &settings.model);
        env.set("LLM_TEMPERATURE", format!("{:.2}", settings.temperature));
        env.set("LLM_MAX_TOKENS", settings.max_tokens.to_string());
    }
    env.set("TIMEOUT", session.spec.timeout.to_string());
    env.maybe("RUNNER_TYPE", session.spec.runner.as_ref().map(|runner| runner.kind.as_str()));
}

fn sources(env: &mut Env, session: &AgenticSession) {
    let spec = &session.spec;
    env.maybe("REPOS_JSON", json_text(&spec.repos).filter(|_| !spec.repos.is_empty()));
    env.maybe("MAIN_REPO_NAME", spec.main_repo.clone());
}

fn workflow(env: &mut Env, workflow: Option<&WorkflowSpec>) {
    let Some((workflow, url)) = workflow.and_then(|workflow| Some((workflow, workflow.git_url.as_ref()?))) else {
        return;
    };
    env.set("ACTIVE_WORKFLOW_GIT_URL", url);
    env.set("ACTIVE_WORKFLOW_BRANCH", &workflow.branch);
    env.maybe("ACTIVE_WORKFLOW_PATH", workflow.path.clone());
}

/// `spec.agent` in the runner's words.
fn options(session: &AgenticSession) -> Option<String> {
    let agent = session.spec.agent.as_ref()?;
    let mut options = json!({ "permission_mode": agent.permission_mode, "disallowed_tools": agent.disallowed_tools });
    if let Some(tools) = &agent.allowed_tools {
        options["allowed_tools"] = json!(tools);
    }
    if let Some(turns) = agent.max_turns {
        options["max_turns"] = json!(turns);
    }
    if let Some(prompt) = &agent.system_prompt {
        options["system_prompt"] = json!(prompt);
    }
    json_text(&options)
}

/// The session's own variables; they come last and win, but over ours.
fn own(env: &mut Env, session: &AgenticSession) {
    let theirs = session.spec.environment_variables.iter().filter(|(name, _)| !OURS.contains(&name.as_str()));
    for (name, value) in theirs {
        env.0.retain(|known| known["name"] != *name.as_str());
        env.set(name, value);
    }
}

fn json_text(value: &impl serde::Serialize) -> Option<String> {
    serde_json::to_string(value).ok()
}
