//! Agents in another container, started by its supervisor (`ambient agent`) over a unix socket.

mod dial;
mod remote;

use std::{
    os::fd::AsFd,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use tokio::{
    net::UnixStream,
    time::{Instant, timeout},
};

use super::{
    AgentHost, AgentProcess, BoxFuture, HostError, ProcessSpec, Variables,
    connection::{self, ReceiveError, Receiver},
    resolve,
    stdio::{self, Theirs},
    wire::{self, MAX_REPLY, MAX_REQUEST, Reply, Request},
};
use remote::Remote;

/// The agent's container may start after the runner's.
const PATIENCE: Duration = Duration::from_secs(10);

/// Starts agents through the supervisor that listens on a socket.
///
/// The pipes are made here and the supervisor gets the process's ends only, so no byte is relayed and nothing that runs
/// beside the agent can change the runner's ends. When the connection of a process ends, the process is killed.
#[derive(Debug, Clone)]
pub struct SocketHost {
    socket: PathBuf,
    patience: Duration,
}

/// A supervisor that was asked something, and its answer.
struct Answer {
    reply: Reply,
    stream: Arc<UnixStream>,
    replies: Receiver,
}

impl SocketHost {
    /// A host behind `socket`. A start waits up to 10 s for the supervisor to come up, and as long for its answer.
    #[must_use]
    pub fn new(socket: impl Into<PathBuf>) -> Self {
        Self { socket: socket.into(), patience: PATIENCE }
    }

    /// Waits this long instead.
    #[must_use]
    pub fn with_patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// The supervisor's socket.
    #[must_use]
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    async fn launch(&self, spec: ProcessSpec) -> Result<AgentProcess, HostError> {
        let program = spec.program.to_string_lossy().into_owned();
        resolve::check_size(&spec).map_err(|reason| HostError::Start { program: program.clone(), reason })?;
        let (ours, theirs) = stdio::pipes(&spec)?;
        let answer = self.ask(&Request::Start(spec.into()), Some(theirs), &program).await?;
        match answer.reply {
            Reply::Started { pid } => {
                Ok(ours.with(Box::new(Remote::new(pid, answer.stream, answer.replies, &self.socket))))
            }
            _ => Err(out_of_turn()),
        }
    }

    async fn offered(&self) -> Result<Variables, HostError> {
        let answer = self.ask(&Request::Environment, None, "an agent").await?;
        match answer.reply {
            Reply::Environment(variables) => Ok(variables.into()),
            _ => Err(out_of_turn()),
        }
    }

    /// The answer, when it is none of the failures that any question may meet.
    async fn ask(&self, request: &Request, theirs: Option<Theirs>, program: &str) -> Result<Answer, HostError> {
        let frame = wire::encode(request, MAX_REQUEST).map_err(|error| HostError::Lost(error.to_string()))?;
        let connected = dial::connect(&self.socket, Instant::now() + self.patience).await;
        let stream = Arc::new(connected.map_err(|reason| self.unreachable(reason))?);
        let mut replies = Receiver::new(Arc::clone(&stream), MAX_REPLY);
        let reply = timeout(self.patience, exchange(&stream, &frame, theirs, &mut replies)).await;
        match reply.map_err(|_| self.unreachable("it does not answer".into()))? {
            Ok(Some(Reply::Refused { reason })) => Err(HostError::Start { program: program.into(), reason }),
            Ok(Some(Reply::Malformed { reason } | Reply::Lost { reason })) => Err(HostError::Lost(reason)),
            Ok(Some(reply)) => Ok(Answer { reply, stream, replies }),
            Ok(None) => Err(self.unreachable("it closed the connection before it answered".into())),
            Err(ReceiveError::Io(error)) => Err(self.unreachable(error.to_string())),
            Err(ReceiveError::Wire(error)) => Err(HostError::Lost(error.to_string())),
        }
    }

    fn unreachable(&self, reason: String) -> HostError {
        HostError::Unreachable { socket: self.socket.clone(), reason }
    }
}

impl AgentHost for SocketHost {
    fn start(&self, spec: ProcessSpec) -> BoxFuture<'_, Result<AgentProcess, HostError>> {
        Box::pin(self.launch(spec))
    }

    fn environment(&self) -> BoxFuture<'_, Result<Variables, HostError>> {
        Box::pin(self.offered())
    }
}

fn out_of_turn() -> HostError {
    HostError::Lost("the supervisor answered something else than it was asked".into())
}

async fn exchange(
    stream: &UnixStream,
    frame: &[u8],
    theirs: Option<Theirs>,
    replies: &mut Receiver,
) -> Result<Option<Reply>, ReceiveError> {
    let ends = theirs.as_ref().map(|ends| [ends.stdin.as_fd(), ends.stdout.as_fd(), ends.stderr.as_fd()]);
    let sent = connection::send(stream, frame, ends.as_ref().map_or(&[], |ends| ends)).await;
    // The process's ends must be the process's alone, or their closing would never be seen.
    drop(theirs);
    // A supervisor that refuses does not read to the end; its answer says more than the broken pipe.
    match replies.next().await {
        Ok(None) => sent.map(|()| None).map_err(ReceiveError::from),
        reply => reply,
    }
}
