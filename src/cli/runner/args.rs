//! The raw settings of `ambient runner`: a flag and an environment variable for each.

use std::{net::IpAddr, path::PathBuf};

/// Serve one session's agent over AG-UI: the main container of a session's pod.
///
/// Every setting has the environment variable of the original runner. Unknown variables are ignored; the agent gets none
/// of them but an allow-list.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "Example (no token, so it binds loopback only):
  ANTHROPIC_API_KEY=… ambient runner --workspace ./ws --data-dir ./data --session-id demo &
  curl -N localhost:8001/run -H 'content-type: application/json' \\
    -d '{\"threadId\":\"demo\",\"runId\":\"r1\",\"messages\":[{\"id\":\"m1\",\"role\":\"user\",\"content\":\"hi\"}]}'")]
pub(in crate::cli) struct Args {
    /// The address to listen on; default: every address with a token, loopback without.
    #[arg(long, env = "AGUI_HOST")]
    pub(super) host: Option<IpAddr>,
    /// The port to listen on; 0 takes a free one and says which.
    #[arg(long, env = "AGUI_PORT", default_value_t = 8001)]
    pub(super) port: u16,
    // No flag for secrets: argv is readable by every process of the machine.
    #[arg(skip = secret("AGUI_TOKEN"))]
    pub(super) token: Option<String>,
    /// error, warn, info, debug, trace, or a filter such as `ambient=debug`.
    #[arg(long, env = "LOG_LEVEL", default_value = "info")]
    pub(super) log_level: String,
    /// How log lines are written.
    #[arg(long, env = "AMBIENT_LOG_FORMAT", default_value = "text", value_parser = ["text", "json"])]
    pub(super) log_format: String,
    /// Which agent: claude-agent-sdk, or replay (plays a recording).
    #[arg(long, env = "RUNNER_TYPE", default_value = "claude-agent-sdk")]
    pub(super) runner_type: String,
    /// The session: the default thread.
    #[arg(long, env = "SESSION_ID", default_value = "unknown")]
    pub(super) session_id: String,
    /// Where the agent works.
    #[arg(long, env = "WORKSPACE_PATH", default_value = "/workspace")]
    pub(super) workspace: PathBuf,
    /// The agent's own state; a relative path is below the workspace.
    #[arg(long, env = "RUNNER_STATE_DIR", default_value = ".claude")]
    pub(super) state_dir: PathBuf,
    /// The event log and what the runner must not forget; the agent's container does not see it.
    #[arg(long, env = "AMBIENT_DATA_DIR", default_value = "/var/lib/ambient")]
    pub(super) data_dir: PathBuf,
    /// The number that the first event of a thread has at least: the logs of this session that are kept elsewhere end before it
    #[arg(long, env = "AMBIENT_FIRST_SEQ", default_value_t = 1)]
    pub(super) first_seq: u64,
    /// The socket of `ambient agent`; absent: the agent is a child process.
    #[arg(long, env = "AMBIENT_AGENT_SOCKET")]
    pub(super) agent_socket: Option<PathBuf>,
    /// The agent CLI: a path, or a name on PATH.
    #[arg(long, env = "AMBIENT_AGENT_COMMAND", default_value = "claude")]
    pub(super) agent_command: String,
    /// The recording that runner type replay plays.
    #[arg(long, env = "AMBIENT_REPLAY_FILE")]
    pub(super) replay_file: Option<PathBuf>,
    /// The model; absent: the agent's default.
    #[arg(long, env = "LLM_MODEL")]
    pub(super) model: Option<String>,
    /// What Vertex AI calls the model; wins over its name.
    #[arg(long, env = "LLM_MODEL_VERTEX_ID")]
    pub(super) vertex_model: Option<String>,
    /// For agents that can honour it; the Claude CLI manages its own.
    #[arg(long, env = "LLM_MAX_TOKENS", default_value_t = alias("MAX_TOKENS"), hide_default_value = true)]
    pub(super) max_tokens: String,
    /// For agents that can honour it; the Claude CLI manages its own.
    #[arg(long, env = "LLM_TEMPERATURE", default_value_t = alias("TEMPERATURE"), hide_default_value = true)]
    pub(super) temperature: String,
    /// The session's repositories, as JSON: [{"url", "name", "branch", "autoPush"}].
    #[arg(long, env = "REPOS_JSON", default_value = "")]
    pub(super) repos: String,
    /// The repository the agent starts in.
    #[arg(long, env = "MAIN_REPO_NAME")]
    pub(super) main_repo: Option<String>,
    /// The same by position, if no name is given.
    #[arg(long, env = "MAIN_REPO_INDEX", default_value_t = 0)]
    pub(super) main_repo_index: usize,
    /// The workflow that the agent follows from the start: its repository, …
    #[arg(long, env = "ACTIVE_WORKFLOW_GIT_URL", default_value = "")]
    pub(super) workflow_git_url: String,
    /// … its branch or tag, …
    #[arg(long, env = "ACTIVE_WORKFLOW_BRANCH", default_value = "main")]
    pub(super) workflow_branch: String,
    /// … and its folder in the repository.
    #[arg(long, env = "ACTIVE_WORKFLOW_PATH", default_value = "")]
    pub(super) workflow_path: String,
    /// Clones that are added at run time may use plain http://: anybody on the way can read and change them.
    #[arg(long, env = "AMBIENT_CLONE_HTTP", default_value_t = false)]
    pub(super) clone_http: bool,
    /// The longest that a clone at run time may take, in seconds.
    #[arg(long, env = "AMBIENT_CLONE_TIMEOUT", default_value_t = 900)]
    pub(super) clone_timeout: u64,
    /// Hosts besides github.com that X-GitHub-Token is for, with commas between them.
    #[arg(long, env = "AMBIENT_GITHUB_HOSTS", value_delimiter = ',')]
    pub(super) github_hosts: Vec<String>,
    /// Hosts besides gitlab.com that X-GitLab-Token is for, with commas between them.
    #[arg(long, env = "AMBIENT_GITLAB_HOSTS", value_delimiter = ',')]
    pub(super) gitlab_hosts: Vec<String>,
    /// A prompt that the runner gives the agent once, when it first starts.
    #[arg(long, env = "INITIAL_PROMPT", default_value = "")]
    pub(super) initial_prompt: String,
    /// `true`: the session goes on, so the initial prompt is not given again.
    #[arg(long, env = "IS_RESUME", default_value = "")]
    pub(super) is_resume: String,
    /// More options of the agent, as JSON: `allowed_tools`, `disallowed_tools`, `max_turns`, `permission_mode`,
    /// `system_prompt`, `model`.
    #[arg(long, env = "SDK_OPTIONS", default_value = "")]
    pub(super) sdk_options: String,
    /// How long `GET /events/{thread}/wait` waits for a run, in seconds.
    #[arg(long, env = "EVENTS_TAP_TIMEOUT_SEC", default_value_t = 2.0)]
    pub(super) events_wait: f64,
    /// The longest time of a run, in seconds.
    #[arg(long, env = "AMBIENT_RUN_TIMEOUT", default_value_t = 86_400)]
    pub(super) run_timeout: u64,
    /// How many runs of a thread may wait behind the running one.
    #[arg(long, env = "AMBIENT_QUEUE_LIMIT", default_value_t = 16)]
    pub(super) queue_limit: usize,
    /// How many turns may go at once, on all threads of the session together; further runs wait.
    #[arg(long, env = "AMBIENT_TURN_LIMIT", default_value_t = 16)]
    pub(super) turn_limit: usize,
    /// How many threads the session may have.
    #[arg(long, env = "AMBIENT_THREAD_LIMIT", default_value_t = 1000)]
    pub(super) thread_limit: usize,
    /// The platform's backend, which has people's credentials; only in the cluster or on this machine.
    #[arg(long, env = "BACKEND_API_URL", default_value = "")]
    pub(super) backend_api_url: String,
    /// The session's project, as the backend knows it.
    #[arg(long, env = "PROJECT_NAME", default_value = "")]
    pub(super) project: String,
    /// The runner's own token for the backend, read at each use; else `BOT_TOKEN`.
    #[arg(long, env = "AMBIENT_BOT_TOKEN_FILE", default_value = "/var/run/secrets/ambient/bot-token")]
    pub(super) bot_token_file: PathBuf,
    /// Mounted credentials of the session: the token alone in the files `github`, `gitlab`, `jira` and `coderabbit`, an
    /// instance's address in `gitlab-url` and `jira-url`, the account in `jira-email`, a whole `kubeconfig`. Read at each use.
    #[arg(long, env = "AMBIENT_CREDENTIALS_DIR", default_value = "/var/run/secrets/ambient/credentials")]
    pub(super) credentials_dir: PathBuf,
    /// The session's own user: whose agent is warm, and who is behind a run that names nobody.
    #[arg(long, env = "USER_ID", default_value = "")]
    pub(super) user_id: String,
    /// How long an idle agent is kept warm, in seconds.
    #[arg(long, env = "AMBIENT_IDLE_AGENT_SECONDS", default_value_t = 1800)]
    pub(super) idle_agent: u64,
    /// How many idle agents are kept warm, on all threads together; the one that has been idle longest goes first. One with an
    /// open question or a background task is not idle.
    #[arg(long, env = "AMBIENT_IDLE_AGENTS", default_value_t = 8)]
    pub(super) idle_agents: usize,
    /// How often a silent stream says that it lives, in seconds: before proxies on its way give up (many after 30 s).
    #[arg(long, env = "AMBIENT_HEARTBEAT_SECONDS", default_value_t = 15, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub(super) heartbeat: u64,
    /// How long an MCP server may take to answer when the agent starts, in seconds; later it is reported as failed. No turn
    /// waits for it longer than 3 s.
    #[arg(long, env = "AMBIENT_MCP_TIMEOUT", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub(super) mcp_timeout: u64,
}

fn secret(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// The value under the variable's other name.
fn alias(name: &str) -> String {
    std::env::var(name).unwrap_or_default()
}
