//! The three pipes between a runner and an agent's process.

use std::{io, os::fd::OwnedFd};

use tokio::net::unix::pipe;

use super::{AgentProcess, HostError, ProcessControl, ProcessSpec};

/// The runner's ends: not blocking, and never shared with the agent.
pub(super) struct Ours {
    stdin: pipe::Sender,
    stdout: pipe::Receiver,
    stderr: pipe::Receiver,
}

impl Ours {
    /// The started process.
    pub(super) fn with(self, control: Box<dyn ProcessControl>) -> AgentProcess {
        let Self { stdin, stdout, stderr } = self;
        AgentProcess { stdin, stdout, stderr, control }
    }
}

/// The process's ends, blocking as programs expect.
pub(super) struct Theirs {
    pub(super) stdin: OwnedFd,
    pub(super) stdout: OwnedFd,
    pub(super) stderr: OwnedFd,
}

/// Makes the pipes for a process.
pub(super) fn pipes(spec: &ProcessSpec) -> Result<(Ours, Theirs), HostError> {
    make().map_err(|error| HostError::Start {
        program: spec.program.to_string_lossy().into_owned(),
        reason: format!("no pipes for its input and output ({error}): raise the limit of open files"),
    })
}

/// All ends close on exec, so no other process that starts meanwhile inherits one.
fn make() -> io::Result<(Ours, Theirs)> {
    let (stdin, our_stdin) = io::pipe()?;
    let (our_stdout, stdout) = io::pipe()?;
    let (our_stderr, stderr) = io::pipe()?;
    let ours = Ours {
        stdin: pipe::Sender::from_owned_fd(our_stdin.into())?,
        stdout: pipe::Receiver::from_owned_fd(our_stdout.into())?,
        stderr: pipe::Receiver::from_owned_fd(our_stderr.into())?,
    };
    Ok((ours, Theirs { stdin: stdin.into(), stdout: stdout.into(), stderr: stderr.into() }))
}
