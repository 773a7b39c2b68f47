//! `/healthz` and `/readyz`.

use axum::{Router, http::StatusCode, routing::get};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// Answers until the operator ends. `ready` is cancelled when everything was listed once.
pub(super) async fn serve(listener: TcpListener, ready: CancellationToken) {
    let is_ready = move || {
        let ready = ready.is_cancelled();
        async move {
            if ready { (StatusCode::OK, "ok") } else { (StatusCode::SERVICE_UNAVAILABLE, "the watches are not ready") }
        }
    };
    let router = Router::new().route("/healthz", get(|| async { "ok" })).route("/readyz", get(is_ready));
    if let Err(error) = axum::serve(listener, router).await {
        tracing::error!(%error, "the health endpoint failed");
    }
}
