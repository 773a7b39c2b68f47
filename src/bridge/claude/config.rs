//! What the bridge is given once, for all threads.

use std::{ffi::OsString, path::PathBuf, sync::Arc, time::Duration};

use crate::bridge::{AgentChannels, Secrets, tools::ToolServer};

/// How the CLI is started and kept, the same for every thread.
#[derive(Clone)]
pub struct ClaudeConfig {
    /// The CLI: a path, or a name looked up in the `PATH` of `env`.
    pub command: OsString,
    /// Where the CLI keeps its conversations (`CLAUDE_CONFIG_DIR`), as the agent's host sees it.
    pub config_dir: PathBuf,
    /// Where the bridge notes which conversation belongs to which thread; only the bridge writes there.
    pub data_dir: PathBuf,
    /// The environment that the CLI starts from: `PATH`, `HOME`, the provider's key and address. Nothing else is
    /// inherited. The environment of a session is added to it, and wins.
    pub env: Secrets,
    /// Which settings files the CLI reads (`user`, `project`, `local`). None by default: the hooks in a repository's
    /// settings would run unasked.
    pub setting_sources: Vec<String>,
    /// Whether the agent runs as root, where the CLI only skips permissions when it is told that it is in a sandbox.
    pub agent_is_root: bool,
    /// How often the CLI asks a failing provider again; absent: the CLI's default (10).
    pub max_retries: Option<u32>,
    /// Hook events that are passed on as CUSTOM `ambient:hook`, under the CLI's names (`Stop`, `SubagentStart` …).
    pub observed_hooks: Vec<String>,
    /// Tools that this process offers to the agent.
    pub tool_servers: Vec<Arc<dyn ToolServer>>,
    /// The way of each process to the runner, if it has one.
    pub channels: Option<Arc<dyn AgentChannels>>,
    /// A directory where every line of the CLI is recorded, for reproducing a bug with the replay bridge. Not redacted.
    pub record: Option<PathBuf>,
    /// How many processes without work are kept; the one that has had none for the longest time goes first.
    pub idle_agents: usize,
    /// How long things may take.
    pub timing: Timing,
}

/// How long things may take.
#[derive(Debug, Clone, Copy)]
pub struct Timing {
    /// From the start of the process to its answer to `initialize`.
    pub start: Duration,
    /// From asking the CLI to stop a turn to sending it signals.
    pub interrupt: Duration,
    /// From SIGTERM to SIGKILL, and from a closed stdin to SIGTERM.
    pub signal: Duration,
    /// How long the agent may take to begin a turn about a background task that has ended. Later, the end gets a turn that
    /// only tells it.
    pub follow_up: Duration,
    /// How long a process without work is kept. One with an open question or a background task is kept on.
    pub idle: Duration,
    /// The longest time the CLI may wait by itself for a provider whose quota is used up; a longer wait ends the turn.
    pub provider_wait: Duration,
    /// How long an MCP server may take until it is failed. The CLI connects to all of them at once, when it starts.
    pub mcp_connect: Duration,
    /// How long after its start the CLI may hold a first prompt back for servers that are not connected yet. Those that come
    /// later join the turn under way.
    pub mcp_hold: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            start: Duration::from_mins(1),
            interrupt: Duration::from_secs(2),
            signal: Duration::from_secs(1),
            follow_up: Duration::from_secs(2),
            idle: Duration::from_mins(15),
            provider_wait: Duration::from_mins(1),
            mcp_connect: Duration::from_secs(30),
            mcp_hold: Duration::from_secs(3),
        }
    }
}

impl ClaudeConfig {
    /// The defaults, with what has none.
    #[must_use]
    pub fn new(
        command: impl Into<OsString>,
        config_dir: impl Into<PathBuf>,
        data_dir: impl Into<PathBuf>,
        env: Secrets,
    ) -> Self {
        Self {
            command: command.into(),
            config_dir: config_dir.into(),
            data_dir: data_dir.into(),
            env,
            setting_sources: Vec::new(),
            agent_is_root: rustix::process::geteuid().is_root(),
            max_retries: None,
            observed_hooks: Vec::new(),
            tool_servers: Vec::new(),
            channels: None,
            record: None,
            idle_agents: 8,
            timing: Timing::default(),
        }
    }
}
