//! The gateway: events of sessions and Runs for people and programs with rights in the cluster, and Runs started by them.
//!
//! It writes nothing but Run objects; a reader is a cursor in a log and holds up nobody.

mod access;
mod error;
mod events;
mod find;
mod kept;
mod known;
mod listen;
mod out;
mod source;
mod spec;
mod start;
mod stream;
#[cfg(test)]
mod tests;
mod tls;

use std::sync::Arc;

use axum::{
    Router,
    extract::DefaultBodyLimit,
    routing::{get, post},
};
use kube::Client;
use tokio::net::TcpListener;

use crate::operator::history::History;
pub use access::AUDIENCE;
use access::{Access, Caller, Right};
use known::Known;
use out::Pace;
use source::Source;
pub use tls::{KEY as CERTIFICATE_KEY, NAME, TlsFiles};

use super::context::Context;
use crate::api::{AgenticSession, Run};

/// The largest body, in bytes: an object of Kubernetes is at most 1.5 MiB, but clients send the whole conversation along.
const MAX_BODY: usize = 16 * 1024 * 1024;

/// Where the gateway listens, and with which certificate.
#[derive(Debug)]
pub struct Endpoint {
    /// The socket.
    pub listener: TcpListener,
    /// Mounted files; none: a certificate of its own.
    pub tls: Option<TlsFiles>,
}

/// What every request is given.
pub(super) struct Gateway {
    client: Client,
    access: Arc<Access>,
    sessions: Known<AgenticSession>,
    runs: Known<Run>,
    source: Arc<dyn Source>,
    history: Arc<History>,
    pace: Pace,
}

impl Gateway {
    /// Resolves when the caller may read no more.
    fn revoked(&self, caller: Caller, right: Right) -> impl Future<Output = ()> + Send + 'static {
        Arc::clone(&self.access).revoked(caller, right, self.pace.recheck, self.pace.grace)
    }
}

/// Serves until the operator ends.
pub(super) async fn serve(endpoint: Endpoint, context: Arc<Context>) {
    let client = context.client.clone();
    let gateway = Gateway {
        access: Arc::new(Access::new(client.clone())),
        sessions: Known { store: context.stores.sessions.clone(), written: Arc::clone(&context.sessions) },
        runs: Known { store: context.stores.runs.clone(), written: Arc::clone(&context.runs) },
        source: Arc::new(Arc::clone(&context.history)),
        history: Arc::clone(&context.history),
        pace: Pace::default(),
        client,
    };
    let certificates = loop {
        match tls::Certificates::of(&gateway.client, &context.config.namespace, endpoint.tls.clone()).await {
            Ok(certificates) => break certificates,
            Err(error) => {
                tracing::error!(%error, "the gateway has no certificate; trying again");
                tokio::time::sleep(std::time::Duration::from_secs(5)).await;
            }
        }
    };
    let served = match listen::TlsListener::new(endpoint.listener, certificates) {
        Ok(listener) => axum::serve(listener, router(Arc::new(gateway))).await,
        Err(error) => Err(error),
    };
    if let Err(error) = served {
        tracing::error!(%error, "the gateway failed");
    }
}

/// All routes.
pub(super) fn router(gateway: Arc<Gateway>) -> Router {
    Router::new()
        .route("/v1/namespaces/{namespace}/sessions/{name}/events", get(events::session))
        .route("/v1/namespaces/{namespace}/sessions/{name}/runs", post(start::run))
        .route("/v1/namespaces/{namespace}/runs/{name}/events", get(events::run))
        .route("/v1/namespaces/{namespace}/runs/{name}/cancel", post(start::cancel))
        .route("/v1/namespaces/{namespace}/runs/{name}/answer", post(start::answer))
        .route("/openapi.json", get(start::openapi))
        .route("/healthz", get(|| async { "ok" }))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .fallback(error::not_found)
        .with_state(gateway)
}
