//! `POST /workflow`.

use axum::{Json, body::Bytes, extract::State, http::HeaderMap};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{HttpError, Server, body, repos};
use crate::runner::sources::{NewWorkflow, Switched};

#[derive(Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Body {
    git_url: String,
    branch: String,
    path: String,
}

impl Default for Body {
    fn default() -> Self {
        Self { git_url: String::new(), branch: "main".to_owned(), path: String::new() }
    }
}

/// Switches the workflow; the agent follows it from its next turn on. An empty URL is no workflow.
pub(super) async fn workflow(
    State(server): State<Server>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Value>, HttpError> {
    let Body { git_url, branch, path } = body::read(&body)?;
    let branch = if branch.is_empty() { "main".to_owned() } else { branch };
    let new = NewWorkflow { git_url: git_url.clone(), branch: branch.clone(), path: path.clone() };
    let message = match server.sources.switch(new, repos::tokens(&headers)).await? {
        Switched::Updated => "Workflow updated",
        Switched::Already => "Workflow already active",
    };
    // What was sent may hold a token.
    let git_url = crate::workspace::git::url::without_userinfo(&git_url);
    Ok(Json(json!({ "message": message, "gitUrl": git_url, "branch": branch, "path": path })))
}
