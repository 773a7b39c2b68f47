//! A line to a server that a test cuts when it has seen enough.

use std::sync::{Arc, Mutex};

use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;

/// A port that passes everything on to a server.
pub(crate) struct Wire {
    pub(crate) url: String,
    /// Cancelled to cut the connections that are open now.
    cut: Arc<Mutex<CancellationToken>>,
    _passing: JoinSet<()>,
}

impl Wire {
    /// A wire to the server of a URL (`http://HOST:PORT`).
    pub(crate) async fn to(server: &str) -> Self {
        let server = server.trim_start_matches("http://").to_owned();
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let cut = Arc::<Mutex<CancellationToken>>::default();
        let mut passing = JoinSet::new();
        passing.spawn(pass(listener, server, Arc::clone(&cut)));
        Self { url, cut, _passing: passing }
    }

    /// Cuts every connection; new ones go through again.
    pub(crate) fn cut(&self) {
        std::mem::take(&mut *self.cut.lock().unwrap()).cancel();
    }
}

async fn pass(listener: TcpListener, server: String, cut: Arc<Mutex<CancellationToken>>) {
    let mut connections = JoinSet::new();
    while let Ok((mut client, _)) = listener.accept().await {
        let (server, cut) = (server.clone(), cut.lock().unwrap().clone());
        connections.spawn(async move {
            let Ok(mut server) = TcpStream::connect(server).await else {
                return;
            };
            tokio::select! {
                _ = tokio::io::copy_bidirectional(&mut client, &mut server) => {}
                () = cut.cancelled() => {}
            }
        });
    }
}
