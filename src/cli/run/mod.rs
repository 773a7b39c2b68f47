//! `ambient run`: a session and its Runs, on this machine or in a cluster.

mod cluster;
mod drive;
mod given;
mod job;
mod load;
mod output;
mod place;
mod questions;
pub(super) mod render;
mod request;
mod session;
mod signals;
mod status;

use std::{io, path::PathBuf, process::ExitCode};

use super::{assemble::AssembleError, fail};
use crate::{
    api::{manifest::Diagnostics, outcome::exit},
    eventlog::LogError,
    host::HostError,
    runner::SubmitError,
    workspace::HydrateError,
};

/// Run AgenticSession and Run manifests on this machine, with no cluster, or with --cluster in one.
///
/// The session's state lives in a directory (default: ./.ambient/SESSION): the workspace, the event log, and the
/// manifests with their status. Running it again goes on with the same conversation; a Run that has ended is never run
/// again.
#[derive(Debug, clap::Args)]
#[command(after_help = HELP, arg_required_else_help = true)]
pub(super) struct Args {
    /// Manifests: files, folders, or `-` for standard input. Several documents in a file are fine.
    files: Vec<PathBuf>,
    /// Where the session's state lives.
    #[arg(long, value_name = "DIR", conflicts_with = "cluster")]
    dir: Option<PathBuf>,
    /// Ask the agent this, in a Run of its own.
    #[arg(short, long, value_name = "TEXT")]
    message: Option<String>,
    /// The form of the output.
    #[arg(short, long, value_enum, default_value = "text")]
    output: output::Format,
    /// Show the agent's thinking.
    #[arg(long)]
    thinking: bool,
    /// Show what tools print, and the platform's messages.
    #[arg(short, long)]
    verbose: bool,
    /// The agent CLI: a path, or a name on PATH.
    #[arg(
        long,
        env = "AMBIENT_AGENT_COMMAND",
        default_value = "claude",
        value_name = "COMMAND",
        conflicts_with = "cluster"
    )]
    agent_command: String,
    /// The socket of `ambient agent`; absent: the agent is a child process.
    #[arg(long, env = "AMBIENT_AGENT_SOCKET", value_name = "PATH", conflicts_with = "cluster")]
    agent_socket: Option<PathBuf>,
    /// Record what the agent CLI writes into this folder, for `runner.type: replay`. Not redacted.
    #[arg(long, value_name = "DIR", conflicts_with = "cluster")]
    record: Option<PathBuf>,
    /// error, warn, info, debug, trace, or a filter such as `ambient=debug`.
    #[arg(long, env = "LOG_LEVEL", default_value = "error")]
    log_level: String,
    #[command(flatten)]
    place: cluster::Args,
}

const HELP: &str = "\
Examples:
  ambient run examples/hello.yaml
  ambient run examples/fix-bug.yaml -o json | jq '.items[1].status.outcome'
  ambient run --dir .ambient/hello -m \"And what is in the other folder?\"
  cat session.yaml run.yaml | ambient run -
  ambient run examples/fix-bug.yaml --cluster -n my-team
  ambient run --cluster -n my-team --session fix-bug -m \"And what is in the other folder?\"

The provider's key is read from ANTHROPIC_API_KEY (or Vertex AI with USE_VERTEX=1); tokens for private repositories from
GITHUB_TOKEN and GITLAB_TOKEN. In a cluster keys and tokens are the namespace's, and the command takes the ClusterRoles
ambient-view and ambient-edit there; the way to the gateway is that of `ambient events`.

Exit codes, of the first Run that did not succeed:
  0  every Run succeeded               5  a limit of ours (DeadlineExceeded, BudgetExceeded)
  1  the agent failed                  6  a crash (AgentCrashed, OOMKilled, RunnerLost)
  2  wrong usage or manifest           7  a Run asks something and nobody is there to answer
  3  set-up (SetupFailed, AuthFailed)  130  interrupted
  4  the provider (ProviderError, ProviderLimit)";

/// Why the command could not do its work.
#[derive(Debug, thiserror::Error)]
enum RunError {
    #[error("cannot read {path}: {error}")]
    Read { path: String, error: io::Error },
    #[error("{0} holds no .yaml, .yml or .json file")]
    EmptyFolder(String),
    #[error("{0}")]
    Manifests(Diagnostics),
    #[error("{0}")]
    Credentials(String),
    #[error("{0} holds no manifest; `ambient init` writes one to start from")]
    NoManifest(String),
    #[error("expected one AgenticSession, found {0}; run them one by one")]
    Sessions(String),
    #[error("name a manifest, or a session's --dir with -m \"…\"")]
    NothingNamed,
    #[error(
        "SetupFailed: {0}. No Run has started. Install the agent CLI (npm install -g @anthropic-ai/claude-code) or name it \
         with --agent-command, then run this again"
    )]
    NoAgent(HostError),
    #[error(transparent)]
    Cluster(#[from] cluster::ClusterError),
    #[error(transparent)]
    Job(#[from] job::JobError),
    #[error(transparent)]
    Place(#[from] place::PlaceError),
    #[error("SetupFailed: {0}")]
    Hydrate(#[from] HydrateError),
    #[error(transparent)]
    Assemble(#[from] AssembleError),
    #[error(transparent)]
    Submit(#[from] SubmitError),
    #[error(transparent)]
    Log(#[from] LogError),
    #[error("the event log holds an event that this version does not know: {0}")]
    Record(serde_json::Error),
    #[error("the run was not started")]
    NotStarted,
    #[error("signals cannot be handled: {0}")]
    Signals(io::Error),
    #[error("the result could not be written: {0}")]
    Output(io::Error),
}

impl RunError {
    fn exit_code(&self) -> u8 {
        match self {
            Self::Cluster(error) => error.exit_code(),
            Self::Read { .. }
            | Self::EmptyFolder(_)
            | Self::Manifests(_)
            | Self::NoManifest(_)
            | Self::Credentials(_)
            | Self::Sessions(_)
            | Self::NothingNamed
            | Self::Job(_)
            | Self::Place(_)
            | Self::Submit(SubmitError::Uncovered(_)) => exit::USAGE,
            Self::Hydrate(_) | Self::Assemble(_) | Self::NoAgent(_) => exit::SETUP,
            Self::Submit(_)
            | Self::Log(_)
            | Self::Record(_)
            | Self::NotStarted
            | Self::Signals(_)
            | Self::Output(_) => exit::CRASH,
        }
    }
}

pub(super) fn main(args: Args) -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&error, exit::CRASH),
    };
    let ran =
        if args.place.cluster { runtime.block_on(cluster::run(args)) } else { runtime.block_on(session::run(args)) };
    let code = match ran {
        Ok(code) => ExitCode::from(code),
        // Diagnostics of manifests are several lines of their own form.
        Err(RunError::Manifests(problems)) => {
            anstream::eprint!("{problems}");
            ExitCode::from(exit::USAGE)
        }
        Err(error) => fail(&error, error.exit_code()),
    };
    // What still blocks (a prompt at the terminal, say) must not keep the process.
    runtime.shutdown_background();
    code
}
