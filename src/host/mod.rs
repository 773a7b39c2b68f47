//! Starting an agent's process: here as a child, or in the agent's own container over a unix socket.
//!
//! Both hosts hand out the same thing: the process's stdin, stdout and stderr as pipes, and a handle to signal it and to
//! learn how it ended. A bridge cannot tell which host it runs on.

mod connection;
pub mod env;
mod leader;
pub mod local;
mod oom;
mod proc;
mod registry;
mod resolve;
pub mod socket;
mod stdio;
pub mod supervisor;
mod tree;
mod wire;

use std::{ffi::OsString, fmt, future::Future, path::PathBuf, pin::Pin};

use serde::{Deserialize, Serialize};
use tokio::net::unix::pipe;

pub use resolve::program;

/// A boxed future that can move between threads.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Names and values of an environment.
pub type Variables = Vec<(OsString, OsString)>;

/// What to start. The environment is exact: nothing is inherited, and nothing added but `AMBIENT_PROCESS`, a random mark by
/// which the host finds what a killed process leaves running.
#[derive(Clone)]
pub struct ProcessSpec {
    /// A path, or a name looked up in the `PATH` of `env`.
    pub program: OsString,
    /// Arguments after the program's name. Never a secret: argv is readable by every process of the machine.
    pub args: Vec<OsString>,
    /// The whole environment of the process.
    pub env: Variables,
    /// The working directory; it must exist.
    pub cwd: PathBuf,
}

impl fmt::Debug for ProcessSpec {
    /// Shows the names of the environment's variables, never their values.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.env.iter().map(|(name, _)| name).collect();
        f.debug_struct("ProcessSpec")
            .field("program", &self.program)
            .field("args", &self.args)
            .field("env", &names)
            .field("cwd", &self.cwd)
            .finish()
    }
}

/// A started process, the leader of its own process group.
pub struct AgentProcess {
    /// Closing it is the polite way to end an agent.
    pub stdin: pipe::Sender,
    /// What the process writes.
    pub stdout: pipe::Receiver,
    /// Must be drained, or the process blocks once the pipe is full.
    pub stderr: pipe::Receiver,
    /// Signals and exit status.
    pub control: Box<dyn ProcessControl>,
}

/// Signals that are sent to the whole process group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Signal {
    /// Ask to stop what it does (SIGINT).
    Interrupt,
    /// Ask to end (SIGTERM).
    Terminate,
    /// End now (SIGKILL).
    Kill,
}

/// How a process ended, with the evidence that the host has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exit {
    /// The exit code, when it exited by itself.
    pub code: Option<i32>,
    /// The signal's number, when a signal ended it.
    pub signal: Option<i32>,
    /// Processes that the kernel's out-of-memory killer ended in this process's cgroup while it ran.
    pub oom_kills: u64,
    /// The highest memory use that was seen, in bytes; absent when the host cannot tell.
    pub peak_memory: Option<u64>,
}

/// The handle of a started process. Dropping it kills the process and what it started, and waits for nothing: who starts a
/// successor on the same files sends [`Signal::Kill`] and awaits the end first. When a process ends, what is left of its
/// group is killed; when a signal ended it, so is everything else that it started.
pub trait ProcessControl: Send + Sync {
    /// The process id, as the host sees it.
    fn pid(&self) -> u32;
    /// Signals the process group; a process that is gone is not an error.
    fn signal(&self, signal: Signal) -> Result<(), HostError>;
    /// Resolves when the process has ended; may be called many times, also afterwards, and from several tasks.
    fn wait(&self) -> BoxFuture<'_, Result<Exit, HostError>>;
}

/// Something that can start agents.
pub trait AgentHost: Send + Sync {
    /// Starts a process. The error names the program and what to do.
    fn start(&self, spec: ProcessSpec) -> BoxFuture<'_, Result<AgentProcess, HostError>>;

    /// The variables that the place where agents run offers them (see [`env::may_inherit`]): the agent's container has its
    /// own `PATH`, home and language. They are a proposal; a process gets only what its [`ProcessSpec`] says.
    fn environment(&self) -> BoxFuture<'_, Result<Variables, HostError>> {
        Box::pin(async { Ok(env::base_env(std::env::vars_os(), [])) })
    }
}

/// Why a process could not be started, signalled or awaited.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HostError {
    /// The user must act: the program is missing or not executable, or the directory does not exist.
    #[error("cannot start {program}: {reason}")]
    Start {
        /// The program that was asked for.
        program: String,
        /// The reason and the remedy.
        reason: String,
    },
    /// The agent container's supervisor is not reachable (yet); the caller may retry until its own deadline.
    #[error("the agent host at {socket} does not answer: {reason}")]
    Unreachable {
        /// The socket's path.
        socket: PathBuf,
        /// What the connection said.
        reason: String,
    },
    /// The host broke its protocol or went away while the process ran.
    #[error("the agent host failed: {0}")]
    Lost(String),
}
