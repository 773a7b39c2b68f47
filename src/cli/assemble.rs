//! Putting an engine together: host, bridge, log, redaction. The laptop and the pod do it alike.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc, time::Duration};

use serde_json::Value;

use crate::{
    api::session::RunnerType,
    bridge::{
        AgentChannels, Bridge, Secrets,
        claude::{ClaudeBridge, ClaudeConfig, Timing},
        replay::{Pace, ReplayBridge},
        tools::ToolServer,
    },
    eventlog::{LogError, Options, Seq, Store},
    host::{self, AgentHost, HostError, local::LocalHost, socket::SocketHost},
    runner::{
        Engine, EngineError, Live, SessionTemplate, Settings,
        callers::Callers,
        feedback::NoSink,
        mcp::tools::{AcpTools, Corrections, RefreshCredentials, RubricSlot, RubricTools, SessionTools},
        probe::WorkspaceProbe,
    },
    security::Redactor,
};

/// What an engine is made of.
pub(super) struct Parts {
    pub(super) runner: RunnerType,
    /// The recording that runner type replay plays.
    pub(super) replay: Option<PathBuf>,
    /// Where to record what the agent CLI writes; not redacted.
    pub(super) record: Option<PathBuf>,
    /// The agent CLI.
    pub(super) agent_command: String,
    /// How long an idle agent is kept.
    pub(super) idle: Duration,
    /// How many idle agents are kept.
    pub(super) idle_agents: usize,
    /// How long an MCP server may take to answer.
    pub(super) mcp_connect: Duration,
    /// The event log and what must not be forgotten.
    pub(super) data_dir: PathBuf,
    /// The agent's own state.
    pub(super) state_dir: PathBuf,
    pub(super) session: SessionTemplate,
    pub(super) queue_limit: usize,
    pub(super) turn_limit: usize,
    pub(super) thread_limit: usize,
    pub(super) run_timeout: Duration,
    pub(super) workspace_state: Value,
    pub(super) notes: Vec<String>,
    /// The agents' way to their credentials, if they have one.
    pub(super) channels: Option<Arc<dyn AgentChannels>>,
    pub(super) callers: Arc<Callers>,
    pub(super) redactor: Arc<Redactor>,
    /// Tools of the platform that the agent has.
    pub(super) tools: Vec<Arc<dyn ToolServer>>,
}

/// Why an engine could not be put together.
#[derive(Debug, thiserror::Error)]
pub(super) enum AssembleError {
    #[error(transparent)]
    Log(#[from] LogError),
    #[error(transparent)]
    Engine(#[from] EngineError),
    #[error("cannot use {path}: {error}")]
    Folder { path: PathBuf, error: std::io::Error },
    #[error("the runner type replay needs a recording: name it in spec.runner.replay.path or AMBIENT_REPLAY_FILE")]
    NoRecording,
    #[error(transparent)]
    Recording(std::io::Error),
    #[error(transparent)]
    Host(#[from] HostError),
}

/// The host that agents are started on.
pub(super) async fn agent_host(
    socket: Option<&PathBuf>,
    data_dir: &std::path::Path,
) -> Result<Arc<dyn AgentHost>, AssembleError> {
    if let Some(socket) = socket {
        return Ok(Arc::new(SocketHost::new(socket.clone())));
    }
    // Remembers what it starts, so that an agent which outlived a killed runner is ended by the next one.
    let folder = data_dir.join("agents");
    let host = LocalHost::with_registry(&folder).await;
    Ok(Arc::new(host.map_err(|error| AssembleError::Folder { path: folder, error })?))
}

/// Opens the log, starts the bridge, and takes up what a former process left. The store is opened first: it holds the
/// lock that keeps a second process from the session.
pub(super) async fn engine(
    parts: Parts,
    store: Store,
    host: Arc<dyn AgentHost>,
    probe: Arc<dyn WorkspaceProbe>,
) -> Result<Arc<Engine>, AssembleError> {
    let bridge = bridge(&parts, host).await?;
    let settings = Settings {
        live: Live { session: parts.session, workspace_state: parts.workspace_state },
        queue_limit: parts.queue_limit,
        turn_limit: parts.turn_limit,
        thread_limit: parts.thread_limit,
        run_timeout: parts.run_timeout,
        notes: parts.notes,
        tools: parts.tools,
        probe,
        callers: parts.callers,
    };
    Ok(Engine::open(store, bridge, parts.redactor, settings).await?)
}

/// Opens the log of a session. Another process that has it open is an error that names it.
pub(super) fn open_store(data_dir: &std::path::Path, first_seq: Seq) -> Result<Store, AssembleError> {
    // A prompt that waited is kept only until its run has started: it may hold what its writer takes for private.
    let options = Options { journal_bytes: 0, first_seq, ..Options::default() };
    Ok(Store::open(data_dir, options)?)
}

async fn bridge(parts: &Parts, host: Arc<dyn AgentHost>) -> Result<Arc<dyn Bridge>, AssembleError> {
    match parts.runner {
        RunnerType::ClaudeAgentSdk => {
            // What an agent inherits is of the place where it runs: another image has another PATH.
            let env = agent_env(host.environment().await?);
            Ok(Arc::new(ClaudeBridge::new(claude(parts, env), host)))
        }
        RunnerType::Replay => {
            let path = parts.replay.clone().ok_or(AssembleError::NoRecording)?;
            Ok(Arc::new(ReplayBridge::open(&path, Pace::Recorded).map_err(AssembleError::Recording)?))
        }
    }
}

fn claude(parts: &Parts, env: Secrets) -> ClaudeConfig {
    let mut config = ClaudeConfig::new(&parts.agent_command, &parts.state_dir, &parts.data_dir, env);
    config.record.clone_from(&parts.record);
    config.channels.clone_from(&parts.channels);
    config.tool_servers.clone_from(&parts.tools);
    config.idle_agents = parts.idle_agents;
    config.timing = Timing { idle: parts.idle, mcp_connect: parts.mcp_connect, ..Timing::default() };
    config
}

/// The platform's own tools; those for other sessions where there is a backend.
pub(super) fn tools(
    credentials: Option<Arc<dyn RefreshCredentials>>,
    rubric: RubricSlot,
    acp: Option<AcpTools>,
) -> Vec<Arc<dyn ToolServer>> {
    let sink = Arc::new(NoSink);
    let mut tools: Vec<Arc<dyn ToolServer>> = vec![
        Arc::new(SessionTools::new(credentials)),
        Arc::new(Corrections::new(sink.clone())),
        Arc::new(RubricTools::new(rubric, sink)),
    ];
    tools.extend(acp.map(|acp| Arc::new(acp) as Arc<dyn ToolServer>));
    tools
}

/// The provider's variables, which the agent's process is given besides the allow-list: its key, where it is, Vertex AI.
const PROVIDER: [&str; 8] = [
    "ANTHROPIC_API_KEY",
    "ANTHROPIC_AUTH_TOKEN",
    "ANTHROPIC_BASE_URL",
    "ANTHROPIC_VERTEX_PROJECT_ID",
    "CLAUDE_CODE_OAUTH_TOKEN",
    "CLOUD_ML_REGION",
    "GCE_METADATA_HOST",
    "GOOGLE_APPLICATION_CREDENTIALS",
];

/// What every agent starts from: the allow-list of its place's environment, and the provider's variables of ours.
fn agent_env(place: host::Variables) -> Secrets {
    let own = |name: &str| Some((name.to_owned(), std::env::var(name).ok().filter(|value| !value.is_empty())?));
    let mut extra: BTreeMap<String, String> = PROVIDER.into_iter().filter_map(own).collect();
    if uses_vertex() {
        extra.insert("CLAUDE_CODE_USE_VERTEX".to_owned(), "1".to_owned());
    }
    let extra = extra.into_iter().map(|(name, value)| (name.into(), value.into()));
    let base = host::env::base_env(place, extra);
    let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
        Some((name.into_string().ok()?, value.into_string().ok()?))
    };
    Secrets(base.into_iter().filter_map(text).collect())
}

/// One flag for all runners, and the older names.
fn uses_vertex() -> bool {
    let on = |name: &str| {
        std::env::var(name).is_ok_and(|value| ["1", "true", "yes"].contains(&value.to_lowercase().as_str()))
    };
    on("USE_VERTEX") || on("CLAUDE_CODE_USE_VERTEX")
}
