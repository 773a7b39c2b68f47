//! A small HTTP client: one question, one connection, one bounded answer. Questions are rare, so nothing is kept open; there
//! are no redirects and no proxies, so a token goes to the named host alone.

use std::time::Duration;

use axum::{
    body::{Body, Bytes},
    http::{
        HeaderMap, Request, StatusCode,
        header::{CONTENT_TYPE, HOST},
    },
};
use futures_util::StreamExt as _;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};
use tokio_rustls::{TlsConnector, rustls::pki_types::ServerName};
use url::Url;

use super::tls;

/// A name that cannot be asked for.
const NO_NAME: &str = "has no name that can be asked for";

/// How much patience a question has.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    /// From asking to the last byte of the answer.
    pub(crate) within: Duration,
    /// The longest answer, in bytes.
    pub(crate) longest: usize,
}

/// What a server has answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    /// Empty for a stream of events, which is not waited for.
    pub(crate) body: Vec<u8>,
}

/// Why there is no answer, as the end of a sentence about the server. It holds nothing of what the server has said.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AskError {
    /// It may have done what it was asked.
    #[error("did not answer within {} s", .0.as_secs())]
    Late(Duration),
    /// It has heard nothing.
    #[error("{0}")]
    Unreachable(String),
    /// It has heard the question, and its answer is none.
    #[error("{0}")]
    Broken(String),
}

/// Asks; `tls` for an address that begins with `https`.
pub(super) async fn ask(
    url: &Url,
    tls: Option<&TlsConnector>,
    request: Request<Body>,
    bounds: Bounds,
) -> Result<Answer, AskError> {
    // It holds the buffers of two protocols, and whoever waits for it would carry them around.
    let conversation = Box::pin(converse(url, tls, request, bounds.longest));
    let asked = tokio::time::timeout(bounds.within, conversation).await;
    asked.unwrap_or(Err(AskError::Late(bounds.within)))
}

async fn converse(
    url: &Url,
    tls: Option<&TlsConnector>,
    request: Request<Body>,
    longest: usize,
) -> Result<Answer, AskError> {
    let unreachable = |_| AskError::Unreachable("cannot be reached".to_owned());
    let host = url.host_str().unwrap_or_default();
    let port = url.port_or_known_default().unwrap_or_default();
    let stream = TcpStream::connect((host, port)).await.map_err(unreachable)?;
    let Some(tls) = tls else {
        return exchange(stream, url, request, longest).await;
    };
    let name = ServerName::try_from(host.to_owned()).map_err(|_| AskError::Unreachable(NO_NAME.to_owned()))?;
    let distrusted = |error: std::io::Error| {
        let why = tls::distrust(&error).map(|why| format!("cannot be trusted: {why}"));
        AskError::Unreachable(why.unwrap_or_else(|| "does not speak TLS as expected".to_owned()))
    };
    let stream = tls.connect(name, stream).await.map_err(distrusted)?;
    exchange(stream, url, request, longest).await
}

async fn exchange<S>(stream: S, url: &Url, mut request: Request<Body>, longest: usize) -> Result<Answer, AskError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let broken = |_| broken_off();
    let host = url.host_str().unwrap_or_default();
    let host = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
    request.headers_mut().insert(HOST, host.parse().map_err(|_| AskError::Unreachable(NO_NAME.to_owned()))?);
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(broken)?;
    // It ends with the answer, or when nobody waits for that any more.
    let asking = async {
        let response = sender.send_request(request).await.map_err(broken)?;
        let status = response.status();
        let streams = status.is_success() && is_stream(response.headers());
        let body = if streams { Vec::new() } else { bounded(Body::new(response.into_body()), longest).await? };
        Ok(Answer { status, body })
    };
    tokio::pin!(asking);
    tokio::select! {
        answer = &mut asking => answer,
        // The whole answer may be there already.
        _ = connection => asking.await,
    }
}

fn is_stream(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    kind.is_some_and(|kind| kind.starts_with("text/event-stream"))
}

fn broken_off() -> AskError {
    AskError::Broken("broke the answer off".to_owned())
}

/// A bounded body.
async fn bounded(body: Body, longest: usize) -> Result<Vec<u8>, AskError> {
    let mut pieces = body.into_data_stream();
    let mut whole = Vec::new();
    while let Some(piece) = pieces.next().await {
        let piece: Bytes = piece.map_err(|_| broken_off())?;
        whole.extend_from_slice(&piece);
        if whole.len() > longest {
            return Err(AskError::Broken(format!("gave an answer longer than {longest} bytes")));
        }
    }
    Ok(whole)
}
