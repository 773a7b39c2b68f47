//! One reader of the gateway: a TLS connection, an SSE stream, every record in order.

use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use axum::body::{Body, BodyDataStream};
use futures_util::StreamExt;
use hyper::{
    Request,
    client::conn::http1,
    header::{AUTHORIZATION, HOST},
};
use hyper_util::rt::TokioIo;
use memchr::memmem;
use serde::Deserialize;
use tokio::net::TcpStream;
use tokio_rustls::{
    TlsConnector,
    rustls::{ClientConfig, RootCertStore, crypto::ring, pki_types::CertificateDer, pki_types::ServerName},
};

use crate::Result;

/// No reader waits longer for anything.
const PATIENCE: Duration = Duration::from_mins(2);

/// How readers get there.
#[derive(Clone)]
pub(crate) struct Door {
    connector: TlsConnector,
    address: SocketAddr,
    path: Arc<str>,
    token: Arc<str>,
}

/// What a reader has read.
#[derive(Debug, Default)]
pub(crate) struct Read {
    /// Open until nobody needs it any more.
    stream: Option<BodyDataStream>,
    /// Records, each following the one before.
    pub(crate) records: u64,
    /// Milliseconds from each record's append, by the runner, to its arrival.
    pub(crate) delays: Vec<f64>,
}

#[derive(Deserialize)]
struct Record<'a> {
    seq: u64,
    at: i64,
    #[serde(borrow)]
    event: Event<'a>,
}

#[derive(Deserialize)]
struct Event<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
}

impl Door {
    /// The way to a path of a gateway that has this certificate.
    pub(crate) fn new(
        certificate: CertificateDer<'static>,
        address: SocketAddr,
        path: &str,
        token: &str,
    ) -> Result<Self> {
        let mut roots = RootCertStore::empty();
        roots.add(certificate)?;
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self { connector: TlsConnector::from(Arc::new(config)), address, path: path.into(), token: token.into() })
    }

    /// A stream that has begun.
    pub(crate) async fn open(&self) -> Result<BodyDataStream> {
        tokio::time::timeout(PATIENCE, self.ask()).await?
    }

    async fn ask(&self) -> Result<BodyDataStream> {
        let stream = TcpStream::connect(self.address).await?;
        stream.set_nodelay(true)?;
        let stream = self.connector.connect(ServerName::from(self.address.ip()), stream).await?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        // It ends with the stream.
        tokio::spawn(connection);
        let request = Request::get(&*self.path)
            .header(HOST, self.address.to_string())
            .header(AUTHORIZATION, format!("Bearer {}", self.token))
            .body(Body::empty())?;
        let response = sender.send_request(request).await?;
        if response.status() != 200 {
            return Err(format!("the gateway answers {}", response.status()).into());
        }
        Ok(Body::new(response.into_body()).into_data_stream())
    }
}

/// Reads what follows a record until a run is over, and stays: a session's stream goes on, and what its end costs is not
/// what an event costs.
pub(crate) async fn read(mut body: BodyDataStream, after: u64) -> Result<Read> {
    let (mut read, mut last, mut held) = (Read::default(), after, Vec::new());
    while let Some(piece) = tokio::time::timeout(PATIENCE, body.next()).await? {
        held.extend_from_slice(&piece?);
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs_f64() * 1e3;
        let mut taken = 0;
        while let Some(end) = memmem::find(&held[taken..], b"\n\n") {
            let frame = &held[taken..taken + end];
            taken += end + 2;
            // The rest are heartbeats.
            let Some(data) = memmem::find(frame, b"data: ") else { continue };
            let record: Record<'_> = serde_json::from_slice(&frame[data + 6..])?;
            if record.seq != last + 1 {
                return Err(format!("after record {last} came {}", record.seq).into());
            }
            last = record.seq;
            read.records += 1;
            #[allow(clippy::cast_precision_loss, reason = "milliseconds of our time")]
            read.delays.push((now - record.at as f64).max(0.0));
            if matches!(record.event.kind, "RUN_FINISHED" | "RUN_ERROR") {
                read.stream = Some(body);
                return Ok(read);
            }
        }
        held.drain(..taken);
    }
    Err("the stream ended before the run".into())
}
