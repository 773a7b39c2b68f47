//! The one place that listens.

use std::{io, net::SocketAddr, time::Duration};

use axum::{Router, serve::ListenerExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

/// A client that takes nothing for so long is disconnected; it comes back with its cursor.
const STALLED: Duration = Duration::from_secs(30);

/// Serves until `stop` is cancelled and the open responses have ended.
pub async fn serve(listener: TcpListener, router: Router, stop: CancellationToken) -> io::Result<SocketAddr> {
    let address = listener.local_addr()?;
    let listener = listener.tap_io(tune);
    axum::serve(listener, router).with_graceful_shutdown(stop.cancelled_owned()).await?;
    Ok(address)
}

/// Frames go out at once, and the kernel gives up on a peer that does not take them. Best effort: without the options the
/// server works, only less promptly.
fn tune(stream: &mut TcpStream) {
    let patience = u32::try_from(STALLED.as_millis()).unwrap_or(u32::MAX);
    let nodelay = stream.set_nodelay(true);
    let timeout = rustix::net::sockopt::set_tcp_user_timeout(&*stream, patience);
    if nodelay.is_err() || timeout.is_err() {
        tracing::debug!("a connection could not be tuned");
    }
}
