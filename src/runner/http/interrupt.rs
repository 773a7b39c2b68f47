//! `POST /interrupt`.

use axum::{Json, body::Bytes, extract::State, http::HeaderMap};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{HttpError, Server, body, caller};
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
///
/// A request that names a user stops that user's runs and runs of nobody in particular; one that names nobody is the
/// platform's own and stops any.
pub(super) async fn interrupt(
    State(server): State<Server>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Value>, HttpError> {
    let body: Body = body::read(&body)?;
    let thread = body.thread_id.unwrap_or_else(|| server.session_id.clone());
    let owner = server.engine.owner(&thread, body.run_id.as_ref());
    caller::may_stop(&caller::of(&headers), owner.as_deref(), "the run")?;
    if !server.engine.interrupt(&thread, body.run_id.as_ref()) && server.engine.log(&thread).is_none() {
        return Err(HttpError::NotFound(format!("No active session for thread {}", thread.as_str())));
    }
    Ok(Json(json!({ "message": "Interrupt signal sent" })))
}
