//! A client of the gateway: through a tunnel to the operator's pod, or at an address.

pub(super) mod feed;
mod pinned;
mod reach;
mod token;

use std::time::Duration;

use axum::body::Body;
use hyper::{
    Request, Response,
    body::Incoming,
    client::conn::http1,
    header::{AUTHORIZATION, HOST},
};
use hyper_util::rt::TokioIo;

use self::reach::Reach;
use crate::{api::outcome::exit, security::Secret};

/// How long the head of an answer may take.
const ANSWER: Duration = Duration::from_secs(30);
/// The most bytes of a refusal.
const MAX_REFUSAL: usize = 64 * 1024;

/// How the gateway is found.
#[derive(Debug, Clone, clap::Args)]
#[group(skip)]
pub(super) struct Args {
    /// The gateway's address, https://…; absent: a tunnel to the operator's pod, as kubectl port-forward makes one
    #[arg(long, env = "AMBIENT_GATEWAY", value_name = "URL")]
    gateway: Option<String>,
    /// A CA, or the gateway's own certificate (PEM), for --gateway; absent: the system's CAs
    #[arg(long, env = "AMBIENT_GATEWAY_CA", value_name = "FILE", requires = "gateway")]
    gateway_ca: Option<std::path::PathBuf>,
    /// The operator's namespace
    #[arg(long, env = "AMBIENT_OPERATOR_NAMESPACE", default_value = "ambient-system", value_name = "NAME")]
    operator_namespace: String,
    /// Where a kubeconfig has only a client certificate: the service account ([NAMESPACE/]NAME) whose token is asked for
    #[arg(long, value_name = "NAME", default_value = "ambient-gateway-client")]
    as_service_account: String,
}

/// Why the gateway did not do what it was asked. The kind says what happens next.
#[derive(Debug, thiserror::Error)]
pub(super) enum GatewayError {
    #[error("there is no cluster: {0}; set KUBECONFIG")]
    Cluster(String),
    #[error("{0}")]
    Usage(String),
    /// The gateway's own words.
    #[error("{detail} ({status})")]
    Refused { status: u16, detail: String },
    /// Worth another try.
    #[error("the gateway cannot be reached: {0}")]
    Unreachable(String),
    /// Another try would end the same.
    #[error("{0}")]
    Denied(String),
}

impl GatewayError {
    pub(super) fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_) => exit::USAGE,
            Self::Cluster(_) | Self::Denied(_) => exit::SETUP,
            Self::Refused { status, .. } => {
                if matches!(status, 400 | 404 | 409 | 422) {
                    exit::USAGE
                } else {
                    exit::SETUP
                }
            }
            Self::Unreachable(_) => exit::CRASH,
        }
    }

    /// Whether another try may end otherwise.
    pub(super) fn is_passing(&self) -> bool {
        matches!(self, Self::Unreachable(_)) || matches!(self, Self::Refused { status: 502..=504, .. })
    }
}

/// A gateway that can be asked.
pub(super) struct Gateway {
    reach: Reach,
    token: token::Tokens,
    /// The namespace of the kubeconfig's context.
    pub(super) namespace: String,
}

impl Gateway {
    /// Finds out how to reach it, without doing so.
    pub(super) async fn find(args: &Args) -> Result<Self, GatewayError> {
        let config = kube::Config::infer().await.map_err(|error| GatewayError::Cluster(error.to_string()))?;
        let client =
            kube::Client::try_from(config.clone()).map_err(|error| GatewayError::Cluster(error.to_string()))?;
        Self::of(config, client, args)
    }

    /// The same, for a cluster that is known.
    pub(super) fn of(config: kube::Config, client: kube::Client, args: &Args) -> Result<Self, GatewayError> {
        Ok(Self {
            namespace: config.default_namespace.clone(),
            token: token::Tokens::new(config, client.clone(), &args.as_service_account, &args.operator_namespace),
            reach: Reach::new(client, args)?,
        })
    }

    /// Whether it can be reached; nothing is asked of it.
    pub(super) async fn check(&self) -> Result<(), GatewayError> {
        self.stream("/healthz").await.map(drop)
    }

    /// Asks for a stream; an answer that is none is an error.
    pub(super) async fn stream(&self, path: &str) -> Result<Stream, GatewayError> {
        let response = tokio::time::timeout(ANSWER, self.ask(path)).await;
        let (response, connection) =
            response.map_err(|_| GatewayError::Unreachable("it did not answer".to_owned()))??;
        let status = response.status().as_u16();
        let body = Body::new(response.into_body());
        if status == 200 {
            return Ok(Stream { body: body.into_data_stream(), _connection: connection });
        }
        let read = tokio::time::timeout(ANSWER, axum::body::to_bytes(body, MAX_REFUSAL)).await;
        let text = read.ok().and_then(Result::ok).unwrap_or_default();
        Err(GatewayError::Refused { status, detail: detail(&text) })
    }

    async fn ask(&self, path: &str) -> Result<(Response<Incoming>, Connection), GatewayError> {
        let token: Secret = self.token.get().await?;
        let stream = self.reach.connect().await?;
        let broken = |error: &dyn std::fmt::Display| GatewayError::Unreachable(error.to_string());
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(|error| broken(&error))?;
        // It ends with the stream, whose reader holds it.
        let connection = Connection(tokio::spawn(async move { drop(connection.await) }));
        let request = Request::get(path)
            .header(HOST, self.reach.host())
            .header(AUTHORIZATION, format!("Bearer {}", token.expose()))
            .body(Body::empty())
            .map_err(|error| GatewayError::Usage(error.to_string()))?;
        let response = sender.send_request(request).await.map_err(|error| broken(&error))?;
        Ok((response, connection))
    }
}

/// A connection; closed when dropped.
struct Connection(tokio::task::JoinHandle<()>);

impl Drop for Connection {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// The body of an answer.
pub(super) struct Stream {
    pub(super) body: axum::body::BodyDataStream,
    _connection: Connection,
}

/// What `{"detail": …}` says.
fn detail(text: &[u8]) -> String {
    let parsed: Option<serde_json::Value> = serde_json::from_slice(text).ok();
    let detail = parsed.as_ref().map(|body| &body["detail"]);
    let said = detail.map(|detail| detail.as_str().map_or_else(|| detail.to_string(), str::to_owned));
    said.unwrap_or_else(|| String::from_utf8_lossy(text).chars().take(200).collect())
}
