//! `POST /interrupt`.

use axum::{Json, body::Bytes, extract::State};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{HttpError, Server, body};
use crate::agui::Id;

#[derive(Deserialize, Default)]
#[serde(default)]
struct Body {
    #[serde(alias = "threadId")]
    thread_id: Option<Id>,
    #[serde(alias = "runId")]
    run_id: Option<Id>,
}

/// Stops the running turn of a thread (default: the session's). An idle thread is not an error: the wish is met.
pub(super) async fn interrupt(State(server): State<Server>, body: Bytes) -> Result<Json<Value>, HttpError> {
    let body: Body = body::read(&body)?;
    let thread = body.thread_id.unwrap_or_else(|| server.session_id.clone());
    if !server.engine.interrupt(&thread, body.run_id.as_ref()) && server.engine.log(&thread).is_none() {
        return Err(HttpError::NotFound(format!("No active session for thread {}", thread.as_str())));
    }
    Ok(Json(json!({ "message": "Interrupt signal sent" })))
}
