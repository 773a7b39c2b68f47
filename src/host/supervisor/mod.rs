//! `ambient agent`: starts agents in their own container for the runner in another.
//!
//! It holds no key and relays no byte. One connection is one process: the runner sends what to start and the process's
//! ends of the pipes, hears how it ended, and kills it by closing the connection, so an agent never outlives the runner
//! that started it. The supervisor outlives both: a bad peer costs it one connection, an agent that is killed for its
//! memory is reported with the evidence. Only when the kernel kills the whole container (cgroup v2, `memory.oom.group`)
//! does the runner see nothing but the end of the connection.
//!
//! Who may connect: the same user, root, or a process of the same group (what `fsGroup` gives the pod's containers); the
//! socket's mode 0660 says the same. That keeps out accidents; it is no wall against the agent, which runs as this user.

mod children;
mod listen;
mod session;

use std::{io, path::Path, sync::Arc, time::Duration};

use tokio::{net::UnixStream, task::JoinSet, time::sleep};
use tokio_util::sync::CancellationToken;

use children::Children;
pub use listen::BindError;
use listen::Socket;
use session::Session;

/// How long agents have between SIGTERM and SIGKILL when the supervisor stops.
const GRACE: Duration = Duration::from_secs(4);

/// A supervisor that listens.
pub struct Supervisor {
    socket: Socket,
    children: Arc<Children>,
}

impl Supervisor {
    /// Listens on `path`, whose folder must exist. The socket that a dead supervisor left is replaced; a live one is an error.
    pub async fn bind(path: &Path) -> Result<Self, BindError> {
        let socket = Socket::bind(path).await?;
        Ok(Self { socket, children: Arc::new(Children::new()) })
    }

    /// Serves until `stop`. Then it takes no more requests, asks the running agents to end, kills them after 4 s, and
    /// returns when they are gone, within 5 s in all. Dropping the future kills the agents at once.
    ///
    /// As PID 1 it also reaps the orphans of the container.
    pub async fn serve(self, stop: CancellationToken) -> io::Result<()> {
        let orphans = self.children.reap_orphans()?;
        let mut sessions = JoinSet::new();
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                Some(_) = sessions.join_next() => {}
                accepted = self.socket.listener.accept() => match accepted {
                    Ok((stream, _)) => {
                        sessions.spawn(self.session(stream, &stop).run());
                    }
                    Err(error) => {
                        // Out of descriptors, say: at once it would fail again.
                        tracing::warn!(%error, "a connection is not accepted");
                        sleep(Duration::from_millis(50)).await;
                    }
                },
            }
        }
        drop(self.socket);
        while sessions.join_next().await.is_some() {}
        drop(orphans);
        Ok(())
    }

    fn session(&self, stream: UnixStream, stop: &CancellationToken) -> Session {
        Session::new(stream, Arc::clone(&self.children), stop.clone())
    }
}

/// Why a peer is turned away; `None` when it is welcome.
fn refusal(peer: Identity, own: Identity) -> Option<String> {
    let welcome = peer.uid == own.uid || peer.uid == 0 || peer.gid == own.gid;
    (!welcome).then(|| {
        format!(
            "the supervisor (user {}, group {}) takes no requests from user {}, group {}: give both containers the same \
             runAsUser or runAsGroup",
            own.uid, own.gid, peer.uid, peer.gid
        )
    })
}

/// The user and the group that a process runs as.
#[derive(Clone, Copy)]
struct Identity {
    uid: u32,
    gid: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_user_the_same_group_and_root_are_welcome_and_nobody_else() {
        let own = Identity { uid: 1001, gid: 7 };
        let refused = |uid, gid| refusal(Identity { uid, gid }, own);
        assert_eq!([refused(1001, 9), refused(1002, 7), refused(0, 0)], [None, None, None]);
        assert!(refused(1002, 0).is_some_and(|reason| reason.contains("user 1002, group 0")));
    }
}
