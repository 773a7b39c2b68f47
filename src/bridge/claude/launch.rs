//! What the CLI is started with: argv, environment and the `initialize` request. Pure.
//!
//! Prompts go into `initialize`, never into argv, which every process of the machine can read.

use std::{collections::BTreeMap, ffi::OsString, path::Path};

use serde_json::{Map, Value, json};

use super::{FRONTEND_PREFIX, FRONTEND_SERVER, config::ClaudeConfig, policy};
use crate::{
    bridge::{PermissionMode, SessionSpec, SystemPrompt},
    host::ProcessSpec,
};

/// Tools that need no permission, when a session names none. The original runner's list.
const DEFAULT_ALLOWED: [&str; 10] =
    ["Read", "Write", "Bash", "Glob", "Grep", "Edit", "MultiEdit", "WebSearch", "Skill", "Agent"];

/// Always the same arguments.
const FIXED: [&str; 8] = [
    "--output-format",
    "stream-json",
    "--input-format",
    "stream-json",
    "--verbose",
    "--include-partial-messages",
    "--permission-prompt-tool",
    "stdio",
];

/// Environment that the bridge relies on.
const FIXED_ENV: [(&str, &str); 8] = [
    ("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1"),
    ("DISABLE_AUTOUPDATER", "1"),
    ("DISABLE_TELEMETRY", "1"),
    ("DISABLE_ERROR_REPORTING", "1"),
    // The CLI says when it is really idle.
    ("CLAUDE_CODE_SDK_READS_SESSION_STATE", "1"),
    // A start that fails says why on stdout.
    ("CLAUDE_CODE_STARTUP_FAILURE_RESULTS", "1"),
    // A resumed CLI would run one open frontend call again and drop the others; we answer them all ourselves.
    ("CLAUDE_CODE_DISABLE_DEFERRED_TOOL_RESUME", "1"),
    ("CLAUDE_CODE_ADDITIONAL_DIRECTORIES_CLAUDE_MD", "1"),
];

/// What a process is started with beside its spec.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Start<'a> {
    /// The conversation to go on with.
    pub(crate) resume: Option<&'a str>,
    /// The file with the session's MCP servers, on the agent's host.
    pub(crate) mcp: Option<&'a Path>,
}

/// The process to start.
pub(crate) fn process(config: &ClaudeConfig, spec: &SessionSpec, start: Start<'_>) -> ProcessSpec {
    ProcessSpec {
        program: config.command.clone(),
        args: args(config, spec, start),
        env: env(config, spec),
        cwd: spec.cwd.clone(),
    }
}

fn args(config: &ClaudeConfig, spec: &SessionSpec, start: Start<'_>) -> Vec<OsString> {
    let mut args: Vec<OsString> = FIXED.iter().map(OsString::from).collect();
    let mut pair = |flag: &str, value: OsString| args.extend([OsString::from(flag), value]);
    pair("--permission-mode", mode(spec.permission_mode).into());
    pair("--allowedTools", allowed(config, spec).into());
    if !spec.disallowed_tools.is_empty() {
        pair("--disallowedTools", spec.disallowed_tools.join(",").into());
    }
    if let Some(model) = &spec.model {
        pair("--model", model.into());
    }
    if let Some(turns) = spec.max_turns {
        pair("--max-turns", turns.to_string().into());
    }
    for folder in &spec.instructions.folders {
        pair("--add-dir", folder.into());
    }
    pair("--settings", settings(spec).to_string().into());
    if let Some(file) = start.mcp {
        pair("--mcp-config", file.into());
    }
    // A repository's own `.mcp.json` starts nothing.
    args.push("--strict-mcp-config".into());
    args.push(format!("--setting-sources={}", sources(config, spec)).into());
    // With `=`, so that an id can never be read as a flag.
    args.extend(start.resume.map(|id| format!("--resume={id}").into()));
    args
}

/// Settings that no file overrides. Directories that are named here are open to the agent, and nothing in them configures it:
/// of one that `--add-dir` names, the CLI reads the instructions, and a workflow's agent would get its skills and agents too.
fn settings(spec: &SessionSpec) -> Value {
    let open: Vec<_> = spec.add_dirs.iter().filter(|folder| !spec.instructions.folders.contains(folder)).collect();
    let mut settings = json!({ "permissions": { "additionalDirectories": open } });
    if spec.instructions.workflow.is_some() {
        // Hooks and commands in the front matter of skills and commands would run unasked. Our own hooks are none of those.
        settings["disableAllHooks"] = json!(true);
        settings["disableSkillShellExecution"] = json!(true);
    }
    settings
}

/// A workflow's instructions, commands, skills and agents are a project's to the CLI.
fn sources(config: &ClaudeConfig, spec: &SessionSpec) -> String {
    if spec.instructions.workflow.is_some() { "project".to_owned() } else { config.setting_sources.join(",") }
}

fn allowed(config: &ClaudeConfig, spec: &SessionSpec) -> String {
    let mut allowed = spec.allowed_tools.clone().unwrap_or_else(|| DEFAULT_ALLOWED.map(str::to_owned).to_vec());
    allowed.extend(config.tool_servers.iter().map(|server| format!("mcp__{}__*", server.name())));
    allowed.extend(spec.mcp_servers.0.keys().map(|server| format!("mcp__{server}__*")));
    allowed.push(format!("{FRONTEND_PREFIX}*"));
    allowed.join(",")
}

fn mode(mode: PermissionMode) -> &'static str {
    match mode {
        PermissionMode::Default => "default",
        PermissionMode::AcceptEdits => "acceptEdits",
        PermissionMode::Plan => "plan",
        PermissionMode::BypassPermissions => "bypassPermissions",
        PermissionMode::DontAsk => "dontAsk",
    }
}

/// What the bridge relies on wins over the session's variables, and those over the bridge's.
fn env(config: &ClaudeConfig, spec: &SessionSpec) -> Vec<(OsString, OsString)> {
    let mut env: BTreeMap<OsString, OsString> = BTreeMap::new();
    let given = config.env.0.iter().chain(&spec.env.0);
    env.extend(given.map(|(name, value)| (name.into(), value.into())));
    env.extend(FIXED_ENV.map(|(name, value)| (name.into(), value.into())));
    env.insert("CLAUDE_CONFIG_DIR".into(), config.config_dir.clone().into());
    env.insert("PWD".into(), spec.cwd.clone().into());
    if let Some(retries) = config.max_retries {
        env.insert("CLAUDE_CODE_MAX_RETRIES".into(), retries.to_string().into());
    }
    for (name, limit) in
        [("MCP_TIMEOUT", config.timing.mcp_connect), ("CLAUDE_CODE_MCP_STARTUP_WAIT_MS", config.timing.mcp_hold)]
    {
        env.insert(name.into(), limit.as_millis().to_string().into());
    }
    if spec.permission_mode == PermissionMode::BypassPermissions && config.agent_is_root {
        env.insert("IS_SANDBOX".into(), "1".into());
    }
    env.into_iter().collect()
}

/// The body of the `initialize` request.
pub(crate) fn initialize(config: &ClaudeConfig, spec: &SessionSpec) -> Value {
    let mut body = Map::new();
    body.insert("subtype".to_owned(), json!("initialize"));
    body.insert("hooks".to_owned(), policy::registration(&config.observed_hooks));
    body.insert("forwardSubagentText".to_owned(), json!(true));
    // A conversation would keep the prompt of its first request for ever.
    body.insert("systemPromptSnapshot".to_owned(), json!(false));
    let ours = config.tool_servers.iter().filter(|server| !server.tools().is_empty()).map(|server| server.name());
    let servers: Vec<&str> = ours.chain([FRONTEND_SERVER]).collect();
    body.insert("sdkMcpServers".to_owned(), json!(servers));
    match &spec.system_prompt {
        SystemPrompt::Append(text) if text.is_empty() => {}
        SystemPrompt::Append(text) => _ = body.insert("appendSystemPrompt".to_owned(), json!(text)),
        SystemPrompt::Replace(text) => _ = body.insert("systemPrompt".to_owned(), json!(text)),
    }
    if let Some(schema) = &spec.output_schema {
        body.insert("jsonSchema".to_owned(), schema.clone());
    }
    Value::Object(body)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bridge::{Instructions, Secrets};

    fn config() -> ClaudeConfig {
        let env = Secrets([("PATH".to_owned(), "/bin".to_owned()), ("KEY".to_owned(), "ours".to_owned())].into());
        ClaudeConfig::new("claude", "/state", "/data", env)
    }

    fn spec() -> SessionSpec {
        SessionSpec {
            thread_id: "t".into(),
            cwd: "/project".into(),
            add_dirs: vec!["/more".into()],
            model: Some("m".into()),
            system_prompt: SystemPrompt::Append("a secret plan".into()),
            permission_mode: PermissionMode::BypassPermissions,
            allowed_tools: None,
            disallowed_tools: vec!["WebFetch".into()],
            max_turns: Some(3),
            output_schema: Some(json!({ "type": "object" })),
            frontend_tools: Vec::new(),
            env: Secrets(
                [("KEY".to_owned(), "theirs".to_owned()), ("CLAUDE_CONFIG_DIR".to_owned(), "/x".to_owned())].into(),
            ),
            mcp_servers: crate::bridge::McpServers::default(),
            instructions: Instructions { folders: vec!["/web".into()], workflow: None },
            tools_endpoint: None,
            user: None,
        }
    }

    fn variable(process: &ProcessSpec, name: &str) -> Option<String> {
        let found = process.env.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.to_string_lossy().into_owned())
    }

    #[test]
    fn the_environment_is_what_was_given_and_what_the_bridge_relies_on() {
        let process = process(&config(), &spec(), Start::default());
        assert_eq!(variable(&process, "KEY").as_deref(), Some("theirs"));
        assert_eq!(variable(&process, "CLAUDE_CONFIG_DIR").as_deref(), Some("/state"));
        assert_eq!(variable(&process, "HOME"), None, "nothing is inherited");
        let root = |agent_is_root| {
            variable(
                &super::process(&ClaudeConfig { agent_is_root, ..config() }, &spec(), Start::default()),
                "IS_SANDBOX",
            )
        };
        assert_eq!((root(true).as_deref(), root(false)), (Some("1"), None));
    }

    #[test]
    fn argv_names_the_session_and_never_the_prompt() {
        let args: Vec<String> = process(&config(), &spec(), Start { resume: Some("id-1"), mcp: None })
            .args
            .iter()
            .map(|arg| arg.to_string_lossy().into_owned())
            .collect();
        let line = args.join(" ");
        for part in [
            "--model m",
            "--max-turns 3",
            "--add-dir /web --settings {\"permissions\":{\"additionalDirectories\":[\"/more\"]}}",
            "--permission-mode bypassPermissions",
            "--disallowedTools WebFetch",
            "--strict-mcp-config --setting-sources= --resume=id-1",
        ] {
            assert!(line.contains(part), "{part} is missing in {line}");
        }
        assert!(line.contains("Read,Write,Bash") && line.contains("mcp__ui__*"), "{line}");
        assert!(!line.contains("secret plan"));
    }

    #[test]
    fn mcp_servers_are_allowed_and_come_in_a_file_and_nothing_of_them_is_in_argv() {
        let secret = json!({ "command": "tool", "env": { "TOKEN": "of-the-server" } });
        let spec = SessionSpec { mcp_servers: crate::bridge::McpServers([("files".into(), secret)].into()), ..spec() };
        let process = process(&config(), &spec, Start { resume: None, mcp: Some(Path::new("/state/mcp/x.json")) });
        let line = format!("{:?}", process.args);
        assert!(line.contains("mcp__files__*"), "{line}");
        assert!(line.contains(r#""--mcp-config", "/state/mcp/x.json""#), "{line}");
        assert!(!format!("{line}{spec:?}").contains("of-the-server"));
    }

    #[test]
    fn the_folder_of_a_workflow_is_read_and_runs_nothing() {
        let workflow = Some(["fix".to_owned()].into());
        let spec = SessionSpec { instructions: Instructions { folders: Vec::new(), workflow }, ..spec() };
        let line = format!("{:?}", process(&config(), &spec, Start::default()).args);
        assert!(line.contains("--setting-sources=project") && !line.contains("--add-dir"), "{line}");
        assert_eq!(settings(&spec)["disableAllHooks"], true);
        assert_eq!(settings(&spec)["disableSkillShellExecution"], true);
        assert_eq!(settings(&spec)["permissions"]["additionalDirectories"], json!(["/more"]));
    }

    #[test]
    fn prompts_and_the_schema_go_into_initialize() {
        let body = initialize(&config(), &spec());
        assert_eq!(body["appendSystemPrompt"], "a secret plan");
        assert_eq!(body["jsonSchema"], json!({ "type": "object" }));
        assert_eq!(body["sdkMcpServers"], json!(["ui"]));
        let replaced = SessionSpec { system_prompt: SystemPrompt::Replace("only this".into()), ..spec() };
        let body = initialize(&config(), &replaced);
        assert_eq!((&body["systemPrompt"], body.get("appendSystemPrompt")), (&json!("only this"), None));
    }
}
