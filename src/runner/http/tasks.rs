//! `/tasks`: what the agents do in the background, what it wrote, and stopping it.

use axum::{
    Json,
    extract::{Path, State},
    http::HeaderMap,
};
use serde_json::{Value, json};

use super::{HttpError, Server, caller};
use crate::bridge::{AgentTask, TaskError, TaskStatus};

/// The longest id, in bytes.
const MAX_ID: usize = 128;

/// Those at work, and the last that ended.
pub(super) async fn list(State(server): State<Server>) -> Json<Value> {
    let redactor = server.engine.redactor();
    let shown = |task: AgentTask| {
        json!({
            "task_id": task.id,
            "description": redactor.redact_str(&task.description),
            "task_type": task.kind,
            "session_id": task.agent_session_id,
            "thread_id": task.thread_id,
            "status": task.status.as_str(),
        })
    };
    let tasks: Vec<Value> = server.engine.bridge().tasks().into_iter().map(shown).collect();
    Json(json!({ "tasks": tasks }))
}

/// What a task wrote, a line each: its JSON, or `{"raw": …}`.
pub(super) async fn output(State(server): State<Server>, Path(id): Path<String>) -> Result<Json<Value>, HttpError> {
    let id = checked(&id)?;
    let output = server.engine.bridge().task_output(id).await.map_err(|error| refusal(&error))?;
    let redactor = server.engine.redactor();
    let text = redactor.redact_str(&output);
    let lines: Vec<Value> = text.lines().filter(|line| !line.is_empty()).map(line).collect();
    Ok(Json(json!({ "task_id": id, "output": lines })))
}

fn line(text: &str) -> Value {
    match serde_json::from_str(text) {
        Ok(value @ (Value::Object(_) | Value::Array(_))) => value,
        _ => json!({ "raw": text }),
    }
}

/// Asks the agent to stop a task. As with runs, a request that names a user stops what that user's runs began.
pub(super) async fn stop(
    State(server): State<Server>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Json<Value>, HttpError> {
    let id = checked(&id)?;
    check_owner(&server, id, &headers)?;
    let status = server.engine.bridge().stop_task(id).await.map_err(|error| refusal(&error))?;
    let message = match status {
        TaskStatus::Running => "stop signal sent".to_owned(),
        ended @ (TaskStatus::Completed | TaskStatus::Failed | TaskStatus::Stopped) => {
            format!("Task already {}", ended.as_str())
        }
    };
    Ok(Json(json!({ "message": message })))
}

fn check_owner(server: &Server, id: &str, headers: &HeaderMap) -> Result<(), HttpError> {
    let task = server.engine.bridge().tasks().into_iter().find(|task| task.id == id);
    let owner = task.and_then(|task| server.engine.last_user(&task.thread_id));
    caller::may_stop(&caller::of(headers), owner.as_deref(), "the task")
}

fn checked(id: &str) -> Result<&str, HttpError> {
    let usual = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    if id.is_empty() || id.len() > MAX_ID || !id.bytes().all(usual) {
        return Err(HttpError::BadRequest(format!("task id: expected at most {MAX_ID} letters, digits, _ and -")));
    }
    Ok(id)
}

fn refusal(error: &TaskError) -> HttpError {
    let message = error.to_string();
    match error {
        TaskError::Unknown(_) | TaskError::NoOutput(_) => HttpError::NotFound(message),
        TaskError::TooLarge { .. } => HttpError::TooLarge(message),
        TaskError::Failed(_) => HttpError::Failed(message),
    }
}
