//! TLS connections as the server takes them: a slow handshake keeps nobody waiting.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use axum::serve::Listener;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Semaphore, mpsc},
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

use super::tls::Certificates;

/// How long a handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// How many handshakes are under way at most.
const HANDSHAKES: usize = 512;
/// A client that takes nothing for so long is disconnected by the kernel.
const STALLED: Duration = Duration::from_secs(30);

/// Connections whose handshake is done.
pub(super) struct TlsListener {
    done: mpsc::Receiver<(TlsStream<TcpStream>, SocketAddr)>,
    address: SocketAddr,
}

impl TlsListener {
    /// Takes connections from now on.
    pub(super) fn new(listener: TcpListener, certificates: Arc<Certificates>) -> io::Result<Self> {
        let address = listener.local_addr()?;
        let (tell, done) = mpsc::channel(HANDSHAKES);
        tokio::spawn(accept(listener, certificates, tell));
        Ok(Self { done, address })
    }
}

async fn accept(
    mut listener: TcpListener,
    certificates: Arc<Certificates>,
    tell: mpsc::Sender<(TlsStream<TcpStream>, SocketAddr)>,
) {
    let room = Arc::new(Semaphore::new(HANDSHAKES));
    loop {
        let Ok(permit) = Arc::clone(&room).acquire_owned().await else { return };
        let (stream, peer) = tokio::select! {
            accepted = Listener::accept(&mut listener) => accepted,
            () = tell.closed() => return,
        };
        tune(&stream);
        let (acceptor, tell) = (TlsAcceptor::from(certificates.config()), tell.clone());
        tokio::spawn(async move {
            // A client that does not finish is its own matter.
            if let Ok(Ok(stream)) = tokio::time::timeout(HANDSHAKE, acceptor.accept(stream)).await {
                drop(tell.send((stream, peer)).await);
            }
            drop(permit);
        });
    }
}

/// Frames go out at once, and the kernel gives up on a peer that does not take them. Best effort.
fn tune(stream: &TcpStream) {
    let patience = u32::try_from(STALLED.as_millis()).unwrap_or(u32::MAX);
    let nodelay = stream.set_nodelay(true);
    let timeout = rustix::net::sockopt::set_tcp_user_timeout(stream, patience);
    if nodelay.is_err() || timeout.is_err() {
        tracing::debug!("a connection could not be tuned");
    }
}

impl Listener for TlsListener {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        match self.done.recv().await {
            Some(connection) => connection,
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.address)
    }
}
