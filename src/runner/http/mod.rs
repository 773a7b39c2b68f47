//! The runner's HTTP server: the original's routes, and `POST /run` as its documents promise.

mod auth;
mod body;
mod caller;
mod capabilities;
pub mod content;
mod docs;
mod error;
mod events;
mod feedback;
mod interrupt;
mod join;
mod log;
mod mcp;
mod model;
mod pulse;
mod repos;
mod run;
mod serve;
mod stream;
mod tasks;
mod workflow;

use std::{sync::Arc, time::Duration};

use axum::{
    Extension, Json, Router, middleware,
    routing::{get, post},
};
use serde_json::{Value, json};

pub use error::HttpError;
pub use log::Acknowledged;
pub use serve::serve;
pub use stream::Pace;

use super::{Engine, content::Content, feedback_file::FeedbackFile, mcp::Fault, sources::Sources};
use crate::{agui::Id, security::Secret};

/// The largest body of a run's input, in bytes: a long conversation with images fits.
const MAX_INPUT: usize = 64 * 1024 * 1024;

/// What the server needs to know.
#[derive(Clone)]
pub struct Server {
    /// Threads and turns.
    pub engine: Arc<Engine>,
    /// The session's id: the default thread, and what `/health` tells.
    pub session_id: Id,
    /// What `X-Ambient-Session-Token` must be; absent: open, for loopback only.
    pub token: Option<Secret>,
    /// How streams behave over time.
    pub pace: Pace,
    /// How long `/events/{thread}/wait` waits for a run.
    pub wait: Duration,
    /// The files of the workspace.
    pub content: Arc<Content>,
    /// MCP servers of the configuration that cannot be used.
    pub mcp_faults: Arc<[Fault]>,
    /// Keeps what people say of the work.
    pub feedback: FeedbackFile,
    /// What is kept elsewhere of the log.
    pub acknowledged: Arc<Acknowledged>,
    /// The session's repositories and workflow.
    pub sources: Arc<Sources>,
}

/// All routes, behind the token check.
pub fn router(server: Server) -> Router {
    let guarded = Router::new()
        .route("/", post(run::run))
        .route("/run", post(run::run))
        .route("/interrupt", post(interrupt::interrupt))
        .route("/capabilities", get(capabilities::capabilities))
        .route("/openapi.json", get(docs::openapi))
        .route("/docs", get(docs::page))
        .route("/model", post(model::model))
        .route("/feedback", post(feedback::feedback))
        .route("/mcp/status", get(mcp::status))
        .route("/repos/add", post(repos::add))
        .route("/repos/remove", post(repos::remove))
        .route("/repos/status", get(repos::status))
        .route("/workflow", post(workflow::workflow))
        .route("/tasks", get(tasks::list))
        .route("/tasks/{id}/output", get(tasks::output))
        .route("/tasks/{id}/stop", post(tasks::stop))
        .route("/log/tail", post(log::tail))
        .route("/log/ack", post(log::ack))
        .route("/events/{thread}", get(events::events))
        .route("/events/{thread}/wait", get(events::wait))
        .merge(content::router(Arc::clone(&server.content)))
        .layer(Extension(Arc::<join::Joins>::default()))
        .layer(Extension(Arc::clone(&server.acknowledged)))
        .layer(axum::extract::DefaultBodyLimit::max(MAX_INPUT))
        .layer(middleware::from_fn_with_state(server.clone(), auth::check));
    Router::new().route("/health", get(health)).merge(guarded).fallback(error::not_found).with_state(server)
}

async fn health(axum::extract::State(server): axum::extract::State<Server>) -> Json<Value> {
    Json(json!({ "status": "healthy", "session_id": server.session_id }))
}
