//! Agents in another container, started by its supervisor (`ambient agent`) over a unix socket.

use std::{
    io,
    os::fd::AsFd,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use rustix::{
    io::Errno,
    net::{SendFlags, Shutdown},
};
use tokio::{
    net::UnixStream,
    sync::watch,
    time::{Instant, sleep, timeout},
};

use super::{
    AgentHost, AgentProcess, BoxFuture, Exit, HostError, ProcessControl, ProcessSpec, Signal,
    connection::{self, ReceiveError, Receiver},
    resolve,
    stdio::{self, Theirs},
    wire::{self, MAX_REPLY, MAX_REQUEST, Reply, Request},
};

/// The agent's container may start after the runner's.
const PATIENCE: Duration = Duration::from_secs(10);
/// The pause between two attempts to connect doubles from the first to the last.
const PAUSES: (Duration, Duration) = (Duration::from_millis(10), Duration::from_millis(250));

/// Starts agents through the supervisor that listens on a socket.
///
/// The pipes are made here and the supervisor gets the process's ends only, so no byte is relayed and nothing that runs
/// beside the agent can change the runner's ends. When a process or this host's connection ends, its agent is killed.
#[derive(Debug, Clone)]
pub struct SocketHost {
    socket: PathBuf,
    patience: Duration,
}

impl SocketHost {
    /// A host behind `socket`. A start waits up to 10 s for the supervisor to come up, and as long for its answer.
    #[must_use]
    pub fn new(socket: impl Into<PathBuf>) -> Self {
        Self {
            socket: socket.into(),
            patience: PATIENCE,
        }
    }

    /// Waits this long instead.
    #[must_use]
    pub fn with_patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    async fn launch(&self, spec: ProcessSpec) -> Result<AgentProcess, HostError> {
        let program = spec.program.to_string_lossy().into_owned();
        let refused = |reason| HostError::Start {
            program: program.clone(),
            reason,
        };
        resolve::check_size(&spec).map_err(refused)?;
        let (ours, theirs) = stdio::pipes(&spec)?;
        let frame = wire::encode(&Request::Start(spec.into()), MAX_REQUEST);
        let frame = frame.map_err(|error| refused(error.to_string()))?;

        let stream = Arc::new(self.connect(Instant::now() + self.patience).await?);
        let mut replies = Receiver::new(Arc::clone(&stream), MAX_REPLY);
        let asked = ask(&stream, &frame, theirs, &mut replies);
        let reply = timeout(self.patience, asked)
            .await
            .map_err(|_| self.unreachable("it does not answer"))?;
        match reply {
            Ok(Some(Reply::Started { pid })) => {
                Ok(ours.with(Box::new(self.control(pid, stream, replies))))
            }
            Ok(Some(Reply::Refused { reason })) => Err(refused(reason)),
            Ok(Some(Reply::Malformed { reason })) => Err(HostError::Lost(reason)),
            Ok(Some(Reply::Exited(_) | Reply::Lost { .. })) => {
                Err(HostError::Lost("it answered out of turn".into()))
            }
            Ok(None) => Err(self.unreachable("it closed the connection before it answered")),
            Err(ReceiveError::Io(error)) => Err(self.unreachable(&error.to_string())),
            Err(ReceiveError::Wire(error)) => Err(HostError::Lost(error.to_string())),
        }
    }

    async fn connect(&self, deadline: Instant) -> Result<UnixStream, HostError> {
        let mut pause = PAUSES.0;
        loop {
            let error = match UnixStream::connect(&self.socket).await {
                Ok(stream) => return Ok(stream),
                Err(error) => error,
            };
            if !may_come_up(&error) || Instant::now() + pause > deadline {
                return Err(self.unreachable(&explain(&self.socket, &error)));
            }
            sleep(pause).await;
            pause = PAUSES.1.min(pause * 2);
        }
    }

    fn control(&self, pid: u32, stream: Arc<UnixStream>, replies: Receiver) -> Remote {
        let (ended, watched) = watch::channel(None);
        let socket = self.socket.clone();
        tokio::spawn(async move {
            let exit = exit(replies, &socket).await;
            ended.send_replace(Some(exit));
        });
        Remote {
            pid,
            stream,
            ended: watched,
        }
    }

    fn unreachable(&self, reason: &str) -> HostError {
        HostError::Unreachable {
            socket: self.socket.clone(),
            reason: reason.into(),
        }
    }
}

impl AgentHost for SocketHost {
    fn start(&self, spec: ProcessSpec) -> BoxFuture<'_, Result<AgentProcess, HostError>> {
        Box::pin(self.launch(spec))
    }
}

async fn ask(
    stream: &UnixStream,
    frame: &[u8],
    theirs: Theirs,
    replies: &mut Receiver,
) -> Result<Option<Reply>, ReceiveError> {
    let descriptors = [
        theirs.stdin.as_fd(),
        theirs.stdout.as_fd(),
        theirs.stderr.as_fd(),
    ];
    let sent = connection::send(stream, frame, &descriptors).await;
    // The process's ends must be the process's alone, or its end would never be seen.
    drop(theirs);
    // A supervisor that refuses does not read to the end; its answer says more than the broken pipe.
    match replies.next().await {
        Ok(None) => sent.map(|()| None).map_err(ReceiveError::from),
        reply => reply,
    }
}

/// Whether the supervisor may still be starting.
fn may_come_up(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionRefused, NotFound, WouldBlock};
    matches!(error.kind(), NotFound | ConnectionRefused | WouldBlock)
}

fn explain(socket: &Path, error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => {
            "there is no such socket: is `ambient agent` running, and the folder shared?".into()
        }
        io::ErrorKind::ConnectionRefused => {
            "nobody listens on it: `ambient agent` has ended".into()
        }
        io::ErrorKind::PermissionDenied => {
            format!(
                "{error}: both sides need the same user or group as {}",
                socket.display()
            )
        }
        _ => error.to_string(),
    }
}

/// How a process ended; the text says why that is not known.
type Ended = Result<Exit, String>;

async fn exit(mut replies: Receiver, socket: &Path) -> Ended {
    match replies.next().await {
        Ok(Some(Reply::Exited(exit))) => Ok(exit),
        Ok(Some(Reply::Lost { reason } | Reply::Malformed { reason })) => Err(reason),
        Ok(Some(Reply::Started { .. } | Reply::Refused { .. })) => {
            Err("it answered out of turn".into())
        }
        Err(ReceiveError::Wire(error)) => Err(error.to_string()),
        Ok(None) | Err(ReceiveError::Io(_)) => Err(format!(
            "the connection to {} ended while the process ran, and the process with it: the agent's container was \
             probably restarted, perhaps out of memory",
            socket.display()
        )),
    }
}

/// The handle of a process in another container.
struct Remote {
    pid: u32,
    stream: Arc<UnixStream>,
    ended: watch::Receiver<Option<Ended>>,
}

impl ProcessControl for Remote {
    fn pid(&self) -> u32 {
        self.pid
    }

    fn signal(&self, signal: Signal) -> Result<(), HostError> {
        let lost = |reason: String| HostError::Lost(format!("a signal cannot be sent: {reason}"));
        let frame = wire::encode(&Request::Signal(signal), MAX_REQUEST)
            .map_err(|error| lost(error.to_string()))?;
        match rustix::net::send(&self.stream, &frame, SendFlags::empty()) {
            Ok(sent) if sent == frame.len() => Ok(()),
            // The process is gone, or is killed with the connection; `wait` tells which.
            Err(Errno::PIPE | Errno::CONNRESET | Errno::NOTCONN) => Ok(()),
            Ok(_) | Err(Errno::AGAIN) => Err(lost("the supervisor does not read".into())),
            Err(error) => Err(lost(error.to_string())),
        }
    }

    fn wait(&self) -> BoxFuture<'_, Result<Exit, HostError>> {
        let mut ended = self.ended.clone();
        Box::pin(async move {
            let ended = ended.wait_for(Option::is_some).await;
            match ended.ok().and_then(|ended| ended.clone()) {
                Some(ended) => ended.map_err(HostError::Lost),
                None => Err(HostError::Lost(
                    "the runtime that watched the process has ended".into(),
                )),
            }
        })
    }
}

impl Drop for Remote {
    /// Tells the supervisor to kill the process; the reading task ends too.
    fn drop(&mut self) {
        // An error means that the connection has ended already.
        let _ = rustix::net::shutdown(&self.stream, Shutdown::Both);
    }
}
