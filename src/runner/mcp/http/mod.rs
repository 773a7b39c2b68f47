//! The platform's tools for agents without a channel of their own: MCP over streamable HTTP, on this machine alone.
//!
//! Every request is for itself: nothing is kept between two of them, so that there is no session to end or to count, and
//! clients that cannot read the first event of a session's stream (Gemini CLI 0.61) understand the answers. Whose agent
//! calls is told by the secret that the runner gave to its bridge.

mod gate;
mod grants;
mod service;

use std::{io, net::Ipv4Addr, sync::Arc, time::Duration};

use axum::{Router, middleware};
use rmcp::transport::streamable_http_server::{
    StreamableHttpServerConfig, StreamableHttpService, session::never::NeverSessionManager,
};
use tokio::{net::TcpListener, sync::Semaphore};
use tokio_util::task::AbortOnDropHandle;

pub use grants::Grants;

use crate::{
    bridge::tools::{CALLS_AT_ONCE, ToolServer},
    security::Redactor,
};
use gate::Gate;
use service::Tools;

/// The path that is served.
const PATH: &str = "/mcp";
/// The longest request, in bytes.
const MAX_REQUEST: usize = 1024 * 1024;
/// The longest time of a request, its tool's time included.
const REQUEST_WITHIN: Duration = Duration::from_mins(3);

/// A server that serves while this lives.
pub struct ToolsServer {
    grants: Arc<Grants>,
    _serving: AbortOnDropHandle<()>,
}

impl ToolsServer {
    /// Listens on a free port of this machine's loopback.
    pub async fn start(servers: Vec<Arc<dyn ToolServer>>, redactor: Arc<Redactor>) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let grants = Arc::new(Grants::new(format!("http://{address}{PATH}"), redactor));
        let gate = Gate {
            port: address.port(),
            grants: Arc::clone(&grants),
            places: Arc::new(Semaphore::new(CALLS_AT_ONCE)),
            within: REQUEST_WITHIN,
        };
        let router = router(Tools::new(servers, Arc::clone(&grants)), gate);
        let serving = tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, router).await {
                tracing::error!(%error, "the platform's tools are not served any more");
            }
        });
        Ok(Self { grants, _serving: AbortOnDropHandle::new(serving) })
    }

    /// Whose agents may call.
    #[must_use]
    pub fn grants(&self) -> &Grants {
        &self.grants
    }
}

fn router(tools: Tools, gate: Gate) -> Router {
    let config = StreamableHttpServerConfig::default()
        .with_legacy_session_mode(false)
        .with_json_response(true)
        .with_max_request_body_bytes(MAX_REQUEST);
    let manager = Arc::new(NeverSessionManager::default());
    let mcp = StreamableHttpService::new(move || Ok(tools.clone()), manager, config);
    Router::new().route_service(PATH, mcp).layer(middleware::from_fn_with_state(gate, gate::pass))
}
