//! `GET /mcp/status`.

use axum::{
    Json,
    extract::{Query, State},
};
use serde::Deserialize;
use serde_json::Value;

use super::{HttpError, Server};
use crate::{agui::Id, runner::mcp::status};

#[derive(Deserialize)]
pub(super) struct Parameters {
    #[serde(alias = "threadId")]
    thread_id: Option<Id>,
}

/// The MCP servers of a thread (default: the session's), from its running agent. It starts nothing and waits for no turn.
pub(super) async fn status(
    State(server): State<Server>,
    Query(parameters): Query<Parameters>,
) -> Result<Json<Value>, HttpError> {
    let thread = parameters.thread_id.unwrap_or_else(|| server.session_id.clone());
    let engine = &server.engine;
    let asked = engine.bridge().mcp_status(&thread).await;
    let running = asked.map_err(|error| {
        let why = error.to_string();
        HttpError::Failed(format!(
            "{}; try again, or POST /interrupt to stop its turn",
            engine.redactor().redact_str(&why)
        ))
    })?;
    let live = engine.live();
    let mut report = status::report(running, &live.session.0.mcp_servers, &server.mcp_faults);
    engine.redactor().redact_json(&mut report);
    Ok(Json(report))
}
