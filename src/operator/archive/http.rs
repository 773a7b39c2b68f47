//! How object stores are spoken to: the operator's TLS (rustls with ring) and no other.

use std::{io, time::Duration};

use axum::body::{Body, to_bytes};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use object_store::{
    ClientConfigKey, ClientOptions,
    client::{
        HttpClient, HttpConnector as Connect, HttpError, HttpErrorKind, HttpRequest, HttpRequestBody, HttpResponse,
        HttpService,
    },
};
use tokio_rustls::rustls::crypto::ring;

/// How long connecting may take.
const CONNECT: Duration = Duration::from_secs(5);
/// How long a request may take with its answer. Pieces are small.
const WHOLE: Duration = Duration::from_secs(30);
/// An answer with more than this is no piece.
const MOST: usize = 128 << 20;

/// Makes clients.
#[derive(Debug)]
pub(super) struct Connector;

impl Connect for Connector {
    fn connect(&self, options: &ClientOptions) -> object_store::Result<HttpClient> {
        let plain = options.get_config_value(&ClientConfigKey::AllowHttp).is_some_and(|value| value == "true");
        let failed = |error: io::Error| object_store::Error::Generic { store: "TLS", source: Box::new(error) };
        Ok(HttpClient::new(Service(client(plain).map_err(failed)?)))
    }
}

type Inner = Client<HttpsConnector<HttpConnector>, HttpRequestBody>;

fn client(plain: bool) -> io::Result<Inner> {
    let mut tcp = HttpConnector::new();
    tcp.set_connect_timeout(Some(CONNECT));
    tcp.set_nodelay(true);
    tcp.enforce_http(false);
    let tls = HttpsConnectorBuilder::new().with_provider_and_native_roots(ring::default_provider())?;
    let tls = if plain { tls.https_or_http() } else { tls.https_only() };
    Ok(Client::builder(TokioExecutor::new()).build(tls.enable_http1().wrap_connector(tcp)))
}

#[derive(Debug)]
struct Service(Inner);

#[async_trait::async_trait]
impl HttpService for Service {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let answer = tokio::time::timeout(WHOLE, self.answer(request)).await;
        answer.map_err(|error| HttpError::new(HttpErrorKind::Timeout, error))?
    }
}

impl Service {
    async fn answer(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let response = self.0.request(request).await.map_err(|error| {
            let kind = if error.is_connect() { HttpErrorKind::Connect } else { HttpErrorKind::Request };
            HttpError::new(kind, error)
        })?;
        let (parts, body) = response.into_parts();
        let broken = |error| HttpError::new(HttpErrorKind::Interrupted, error);
        let bytes = to_bytes(Body::new(body), MOST).await.map_err(broken)?;
        Ok(HttpResponse::from_parts(parts, bytes.into()))
    }
}
