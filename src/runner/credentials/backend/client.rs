//! A small HTTP client: one question, one connection, one bounded answer. Questions are rare, so nothing is kept open; there
//! are no redirects and no proxies, so a token goes to the named host alone.

use std::time::Duration;

use axum::{
    body::{Body, Bytes},
    http::{Request, StatusCode, header::HOST},
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

/// From asking to the last byte of the answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// The longest answer, in bytes.
const MAX_ANSWER: usize = 64 * 1024;

/// What a server has answered.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) body: Vec<u8>,
}

/// Asks; `tls` for an address that begins with `https`. The error is the end of a sentence about the server, and holds nothing
/// of what it has said.
pub(super) async fn ask(url: &Url, tls: Option<&TlsConnector>, request: Request<Body>) -> Result<Answer, String> {
    // It holds the buffers of two protocols, and whoever waits for it would carry them around.
    let conversation = Box::pin(converse(url, tls, request));
    let asked = tokio::time::timeout(ANSWER_WITHIN, conversation).await;
    asked.unwrap_or_else(|_| Err(format!("did not answer within {} s", ANSWER_WITHIN.as_secs())))
}

async fn converse(url: &Url, tls: Option<&TlsConnector>, request: Request<Body>) -> Result<Answer, String> {
    let unreachable = |_| "cannot be reached".to_owned();
    let host = url.host_str().unwrap_or_default();
    let port = url.port_or_known_default().unwrap_or_default();
    let stream = TcpStream::connect((host, port)).await.map_err(unreachable)?;
    let Some(tls) = tls else {
        return exchange(stream, url, request).await;
    };
    let name =
        ServerName::try_from(host.to_owned()).map_err(|_| "has no name that a certificate can be for".to_owned())?;
    let distrusted = |error: std::io::Error| match tls::distrust(&error) {
        Some(why) => format!("cannot be trusted: {why}"),
        None => "does not speak TLS as expected".to_owned(),
    };
    let stream = tls.connect(name, stream).await.map_err(distrusted)?;
    exchange(stream, url, request).await
}

async fn exchange<S>(stream: S, url: &Url, mut request: Request<Body>) -> Result<Answer, String>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let broken = |_| "broke the answer off".to_owned();
    let host = url.host_str().unwrap_or_default();
    let host = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
    request.headers_mut().insert(HOST, host.parse().map_err(|_| "has no name".to_owned())?);
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(broken)?;
    // It ends with the answer, or when nobody waits for that any more.
    let asking = async {
        let response = sender.send_request(request).await.map_err(broken)?;
        let status = response.status();
        Ok(Answer { status, body: bounded(Body::new(response.into_body())).await? })
    };
    tokio::pin!(asking);
    tokio::select! {
        answer = &mut asking => answer,
        // The whole answer may be there already.
        _ = connection => asking.await,
    }
}

/// A bounded body.
async fn bounded(body: Body) -> Result<Vec<u8>, String> {
    let mut pieces = body.into_data_stream();
    let mut whole = Vec::new();
    while let Some(piece) = pieces.next().await {
        let piece: Bytes = piece.map_err(|_| "broke the answer off".to_owned())?;
        whole.extend_from_slice(&piece);
        if whole.len() > MAX_ANSWER {
            return Err(format!("gave an answer longer than {MAX_ANSWER} bytes"));
        }
    }
    Ok(whole)
}
