//! The handle of a process in another container.

use std::{path::Path, sync::Arc};

use rustix::{
    io::Errno,
    net::{SendFlags, Shutdown},
};
use tokio::{net::UnixStream, sync::watch};

use super::super::{
    BoxFuture, Exit, HostError, ProcessControl, Signal,
    connection::{ReceiveError, Receiver},
    wire::{self, MAX_REQUEST, Reply, Request},
};

/// How a process ended; the text says why that is not known.
type Ended = Result<Exit, String>;

/// A process that a supervisor started for us.
pub(super) struct Remote {
    pid: u32,
    stream: Arc<UnixStream>,
    ended: watch::Receiver<Option<Ended>>,
}

impl Remote {
    /// Waits for the process's end in a task of its own.
    pub(super) fn new(pid: u32, stream: Arc<UnixStream>, replies: Receiver, socket: &Path) -> Self {
        let (ended, watched) = watch::channel(None);
        let socket = socket.to_owned();
        tokio::spawn(async move {
            let exit = last(replies, &socket).await;
            ended.send_replace(Some(exit));
        });
        Self { pid, stream, ended: watched }
    }
}

async fn last(mut replies: Receiver, socket: &Path) -> Ended {
    match replies.next().await {
        Ok(Some(Reply::Exited(exit))) => Ok(exit),
        Ok(Some(Reply::Lost { reason } | Reply::Malformed { reason })) => Err(reason),
        Ok(Some(Reply::Started { .. } | Reply::Refused { .. } | Reply::Environment(_))) => {
            Err("the supervisor answered out of turn".into())
        }
        Err(ReceiveError::Wire(error)) => Err(error.to_string()),
        Ok(None) | Err(ReceiveError::Io(_)) => Err(format!(
            "the connection to {} ended while the process ran, and the process with it: its container was probably \
             restarted, perhaps out of memory",
            socket.display()
        )),
    }
}

impl ProcessControl for Remote {
    fn pid(&self) -> u32 {
        self.pid
    }

    fn signal(&self, signal: Signal) -> Result<(), HostError> {
        let lost = |reason: &str| HostError::Lost(format!("a signal cannot be sent: {reason}"));
        let frame = wire::encode(&Request::Signal(signal), MAX_REQUEST).map_err(|error| lost(&error.to_string()))?;
        match rustix::net::send(&self.stream, &frame, SendFlags::empty()) {
            Ok(sent) if sent == frame.len() => Ok(()),
            // The process is gone, or is killed with the connection; `wait` tells which.
            Err(Errno::PIPE | Errno::CONNRESET | Errno::NOTCONN) => Ok(()),
            Ok(_) | Err(Errno::AGAIN) => Err(lost("the supervisor does not read")),
            Err(error) => Err(lost(&error.to_string())),
        }
    }

    fn wait(&self) -> BoxFuture<'_, Result<Exit, HostError>> {
        let mut ended = self.ended.clone();
        Box::pin(async move {
            let ended = ended.wait_for(Option::is_some).await;
            match ended.ok().and_then(|ended| ended.clone()) {
                Some(ended) => ended.map_err(HostError::Lost),
                None => Err(HostError::Lost("the runtime that watched the process has ended".into())),
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
