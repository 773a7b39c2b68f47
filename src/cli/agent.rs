//! `ambient agent`: the supervisor beside the agent.

use std::{io, path::PathBuf};

use super::stop;
use crate::host::supervisor::{BindError, Supervisor};

/// Start agents on request of the runner in another container.
///
/// It listens on a unix socket. The runner (with the same `--socket`, or `AMBIENT_AGENT_SOCKET`) says what to start and gets the
/// agent's exit status, out-of-memory kills and peak memory; the agent's input and output go through pipes of the runner,
/// not through this process. When the runner goes away its agents are killed. Runs as the first process of a container, too:
/// then it reaps orphans.
///
/// At SIGTERM or SIGINT it takes no more requests, asks the running agents to end, kills them after 4 s, and exits with 0.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "\
Examples:
  # The two halves of a pod on one machine:
  ambient agent --socket /tmp/agent.sock &
  AMBIENT_AGENT_SOCKET=/tmp/agent.sock ambient runner

Exit codes:
  0  stopped by a signal
  1  cannot listen; the message says why")]
pub struct Args {
    /// The socket to listen on. Its folder must exist and be shared with the runner; the runner must have the same user or
    /// group. What a dead supervisor left there is replaced.
    #[arg(long, env = "AMBIENT_AGENT_SOCKET", value_name = "PATH", default_value = "/run/ambient/agent.sock")]
    pub socket: PathBuf,
}

/// Why the supervisor ended before it was told to.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AgentError {
    /// The user must act.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// The system refused a signal handler, say.
    #[error("the supervisor failed: {0}")]
    Io(#[from] io::Error),
}

/// Serves until SIGTERM or SIGINT.
pub async fn run(args: Args) -> Result<(), AgentError> {
    // Before the socket is there: who sees it may also stop us.
    let stop = stop::on_signal()?;
    let supervisor = Supervisor::bind(&args.socket).await?;
    tracing::info!(socket = %args.socket.display(), "listening");
    supervisor.serve(stop).await?;
    Ok(())
}
