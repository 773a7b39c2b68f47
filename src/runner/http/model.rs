//! `POST /model`.

use axum::{Json, body::Bytes, extract::State};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{HttpError, Server, body};

/// The longest name of a model, in bytes.
const MAX_NAME: usize = 200;

#[derive(Deserialize, Default)]
#[serde(default)]
struct Body {
    model: String,
}

/// Switches the session's model between turns. The agent is told without being started anew; the next run tells it.
pub(super) async fn model(State(server): State<Server>, body: Bytes) -> Result<Json<Value>, HttpError> {
    let Body { model } = body::read(&body)?;
    let model = checked(model.trim())?;
    if server.engine.is_busy() {
        let reason = "Cannot switch the model while a turn runs; try again when it has ended";
        return Err(HttpError::Refused(reason.to_owned()));
    }
    let Some(previous) = server.engine.switch_model(model) else {
        return Ok(Json(json!({ "message": "Model unchanged", "model": model })));
    };
    Ok(Json(json!({ "message": "Model switched", "model": model, "previousModel": previous })))
}

/// A name as the providers have them: it becomes an argument of the agent.
fn checked(model: &str) -> Result<&str, HttpError> {
    let usual = |byte: u8| byte.is_ascii_alphanumeric() || b"._:@/[]-".contains(&byte);
    if model.is_empty() {
        return Err(HttpError::BadRequest("model is required, a name such as claude-sonnet-4-6".to_owned()));
    }
    if model.len() > MAX_NAME || model.starts_with('-') || !model.bytes().all(usual) {
        let what = "letters, digits and . _ : @ / [ ] -, not beginning with -";
        return Err(HttpError::BadRequest(format!("model: expected at most {MAX_NAME} {what}")));
    }
    Ok(model)
}
