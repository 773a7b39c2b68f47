//! One connection: one process from its start to its end.

use std::{os::fd::OwnedFd, sync::Arc, time::Duration};

use rustix::process::{getegid, geteuid};
use tokio::{
    net::UnixStream,
    time::{Instant, sleep_until, timeout},
};
use tokio_util::sync::CancellationToken;

use super::{
    super::{
        Exit, HostError, Signal,
        connection::{self, ReceiveError, Receiver},
        env,
        stdio::Theirs,
        wire::{self, MAX_REPLY, MAX_REQUEST, Reply, Request, Start},
    },
    GRACE, Identity,
    children::{Child, Children},
    refusal,
};

/// A peer that connects and says nothing costs no more than this.
const REQUEST: Duration = Duration::from_secs(10);
/// A peer that does not read its answer, and a killed process that does not go.
const LAST: Duration = Duration::from_millis(500);

/// What a peer and the supervisor share.
pub(super) struct Session {
    stream: Arc<UnixStream>,
    requests: Receiver,
    children: Arc<Children>,
    stop: CancellationToken,
}

/// Why a session ends without a process to report on.
enum Over {
    /// The peer is told.
    With(Reply),
    /// The peer is gone.
    Silently,
}

impl Session {
    pub(super) fn new(stream: UnixStream, children: Arc<Children>, stop: CancellationToken) -> Self {
        let stream = Arc::new(stream);
        let requests = Receiver::new(Arc::clone(&stream), MAX_REQUEST);
        Self { stream, requests, children, stop }
    }

    /// Never fails: what goes wrong is told to the peer.
    pub(super) async fn run(mut self) {
        let last = match self.start().await {
            Ok(child) => self.accompany(child).await,
            Err(over) => Err(over),
        };
        match last {
            Ok(reply) | Err(Over::With(reply)) => self.tell(&reply).await,
            Err(Over::Silently) => {}
        }
    }

    async fn start(&mut self) -> Result<Child, Over> {
        self.admit().map_err(|reason| Over::With(Reply::Refused { reason }))?;
        let stop = self.stop.clone();
        let request = tokio::select! {
            request = timeout(REQUEST, self.requests.next()) => request.map_err(|_| malformed("no request came in 10 s"))?,
            () = stop.cancelled() => return Err(Over::Silently),
        };
        let start = match request {
            Ok(Some(Request::Start(start))) => start,
            Ok(Some(Request::Environment)) => {
                let offered = env::base_env(std::env::vars_os(), []);
                return Err(Over::With(Reply::Environment(offered.into())));
            }
            Ok(Some(Request::Signal(_))) => return Err(malformed("a signal came before a start")),
            Ok(None) | Err(ReceiveError::Io(_)) => return Err(Over::Silently),
            Err(ReceiveError::Wire(error)) => return Err(malformed(&error.to_string())),
        };
        self.launch(start).await
    }

    async fn launch(&mut self, start: Start) -> Result<Child, Over> {
        let stdio = stdio(self.requests.take_descriptors())?;
        let child = self.children.start(&start.into(), stdio).map_err(|error| Over::With(refused(error)))?;
        self.tell(&Reply::Started { pid: child.leader().pid() }).await;
        Ok(child)
    }

    fn admit(&self) -> Result<(), String> {
        let peer = self.stream.peer_cred().map_err(|error| format!("who asks is not known: {error}"))?;
        let peer = Identity { uid: peer.uid(), gid: peer.gid() };
        let own = Identity { uid: geteuid().as_raw(), gid: getegid().as_raw() };
        refusal(peer, own).map_or(Ok(()), Err)
    }

    /// Follows the process to its end, or kills it when the peer goes away.
    async fn accompany(&mut self, child: Child) -> Result<Reply, Over> {
        let leader = child.leader();
        let stop = self.stop.clone();
        let mut kill_at = None;
        loop {
            tokio::select! {
                ended = leader.wait() => return Ok(last(ended)),
                request = self.requests.next() => match request {
                    Ok(Some(Request::Signal(signal))) => signal_to(&child, signal),
                    other => {
                        signal_to(&child, Signal::Kill);
                        // So that the supervisor does not end before its agents.
                        let _ = timeout(LAST, leader.wait()).await;
                        return Err(broken(other));
                    }
                },
                () = stop.cancelled(), if kill_at.is_none() => {
                    signal_to(&child, Signal::Terminate);
                    kill_at = Some(Instant::now() + GRACE);
                }
                () = until(kill_at) => {
                    signal_to(&child, Signal::Kill);
                    let ended = timeout(LAST, leader.wait()).await;
                    return Ok(ended.map_or_else(|_| lost("the killed process does not end"), last));
                }
            }
        }
    }

    /// Best effort: a peer that is gone, or does not read, hears nothing.
    async fn tell(&self, reply: &Reply) {
        match wire::encode(reply, MAX_REPLY) {
            Ok(frame) => {
                let _ = timeout(LAST, connection::send(&self.stream, &frame, &[])).await;
            }
            Err(error) => tracing::warn!(%error, "an answer is not sent"),
        }
    }
}

fn stdio(descriptors: Vec<OwnedFd>) -> Result<Theirs, Over> {
    let descriptors = <[OwnedFd; 3]>::try_from(descriptors);
    let [stdin, stdout, stderr] = descriptors.map_err(|_| malformed("a start comes with three descriptors"))?;
    Ok(Theirs { stdin, stdout, stderr })
}

fn signal_to(child: &Child, signal: Signal) {
    if let Err(error) = child.leader().signal(signal) {
        tracing::warn!(%error, ?signal, "a signal is not delivered");
    }
}

async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}

fn last(ended: Result<Exit, HostError>) -> Reply {
    ended.map_or_else(|error| lost(&error.to_string()), Reply::Exited)
}

fn lost(reason: &str) -> Reply {
    Reply::Lost { reason: reason.into() }
}

fn refused(error: HostError) -> Reply {
    match error {
        HostError::Start { reason, .. } => Reply::Refused { reason },
        HostError::Unreachable { .. } | HostError::Lost(_) => lost(&error.to_string()),
    }
}

fn malformed(reason: &str) -> Over {
    tracing::warn!(reason, "a peer is turned away");
    Over::With(Reply::Malformed { reason: reason.into() })
}

fn broken(request: Result<Option<Request>, ReceiveError>) -> Over {
    match request {
        Ok(None) | Err(ReceiveError::Io(_)) => Over::Silently,
        Ok(Some(_)) => malformed("a connection starts one process only"),
        Err(ReceiveError::Wire(error)) => malformed(&error.to_string()),
    }
}
