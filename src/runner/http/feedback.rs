//! `POST /feedback`: a thumb up or down, with what the person says.

use axum::{Json, body::Bytes, extract::State};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{HttpError, Server, body};
use crate::{
    agui::{Id, InputError, Location},
    runner::feedback::{Feedback, FeedbackKind},
};

/// The most bytes of a payload, as JSON.
const MAX_PAYLOAD: usize = 64 * 1024;

/// The texts of a payload that traces will know; other members are kept as they are.
const TEXTS: [&str; 9] =
    ["userId", "projectName", "sessionName", "messageId", "traceId", "comment", "reason", "workflow", "context"];

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    #[serde(rename = "type", default)]
    kind: Value,
    #[serde(default)]
    meta_type: Value,
    #[serde(default)]
    payload: Value,
    #[serde(alias = "thread_id")]
    thread_id: Option<Id>,
    ts: Option<i64>,
}

/// Keeps a person's feedback; it is on disk when this answers, and the thread's next run tells it.
pub(super) async fn feedback(State(server): State<Server>, body: Bytes) -> Result<Json<Value>, HttpError> {
    let body: Body = body::read(&body)?;
    let (kind, payload) = checked(&body)?;
    let thread_id = body.thread_id.unwrap_or_else(|| server.session_id.clone());
    let last_run = server.engine.log(&thread_id).and_then(|log| log.runs().pop()).map(|run| run.run_id);
    let at_ms = body.ts.unwrap_or_else(|| jiff::Timestamp::now().as_millisecond());
    let feedback = Feedback { kind, thread_id, run_id: last_run, at_ms, payload: Value::Object(payload) };
    let kept = server.feedback.append(&feedback).await;
    if let Err(error) = &kept {
        tracing::error!(%error, "feedback could not be kept");
    }
    let event = json!({
        "name": "ambient:feedback", "metaType": kind.name(), "payload": feedback.payload, "recorded": kept.is_ok(),
    });
    server.engine.tell_feedback(feedback);
    Ok(Json(json!({ "type": "RAW", "event": event })))
}

fn checked(body: &Body) -> Result<(FeedbackKind, Map<String, Value>), HttpError> {
    let mut errors = Vec::new();
    if body.kind != "META" {
        errors.push(wrong("type", "expected \"META\"", &body.kind));
    }
    let kind = match body.meta_type.as_str() {
        Some("thumbs_up") => FeedbackKind::ThumbsUp,
        Some("thumbs_down") => FeedbackKind::ThumbsDown,
        _ => {
            errors.push(wrong("metaType", "expected \"thumbs_up\" or \"thumbs_down\"", &body.meta_type));
            FeedbackKind::ThumbsDown
        }
    };
    let payload = body.payload.as_object().cloned().unwrap_or_default();
    errors.extend(payload_errors(&body.payload));
    if errors.is_empty() { Ok((kind, payload)) } else { Err(HttpError::Input(errors)) }
}

fn payload_errors(payload: &Value) -> Vec<InputError> {
    let Some(members) = payload.as_object() else {
        return vec![wrong("payload", "expected an object", payload)];
    };
    if payload.to_string().len() > MAX_PAYLOAD {
        return vec![wrong("payload", &format!("expected at most {MAX_PAYLOAD} bytes of JSON"), &Value::Null)];
    }
    let no_text = |value: &&Value| !value.is_string() && !value.is_null();
    let bad = TEXTS.iter().filter_map(|name| Some((name, members.get(*name).filter(no_text)?)));
    bad.map(|(name, value)| wrong(name, "expected a text", value)).collect()
}

fn wrong(member: &str, expected: &str, found: &Value) -> InputError {
    let mut loc = vec![Location::Member("body".to_owned())];
    if TEXTS.contains(&member) {
        loc.push(Location::Member("payload".to_owned()));
    }
    loc.push(Location::Member(member.to_owned()));
    let shown = if found.to_string().len() > 200 { Value::Null } else { found.clone() };
    InputError {
        kind: if found.is_null() { "missing" } else { "invalid" },
        loc,
        msg: expected.to_owned(),
        input: shown,
    }
}
