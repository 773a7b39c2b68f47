//! Repositories: `GET /content/git-status`, `POST /content/git-configure-remote`, `GET /content/git-list-branches`.

use std::sync::Arc;

use axum::{Json, body::Bytes, extract::State};
use serde::Deserialize;
use serde_json::{Value, json};

use super::query::Parameters;
use crate::runner::{
    content::{Content, GitStatus},
    http::{HttpError, body},
};

pub(super) async fn status(
    State(content): State<Arc<Content>>,
    query: Parameters,
) -> Result<Json<GitStatus>, HttpError> {
    Ok(Json(content.git_status(query.get("path")).await?))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Remote {
    path: Option<String>,
    remote_url: Option<String>,
    branch: Option<String>,
}

pub(super) async fn configure_remote(
    State(content): State<Arc<Content>>,
    body: Bytes,
) -> Result<Json<Value>, HttpError> {
    let asked: Remote = body::read(&body)?;
    let Some(url) = asked.remote_url.filter(|url| !url.is_empty()) else {
        return Err(HttpError::BadRequest("remoteUrl is missing; write the repository's clone URL".to_owned()));
    };
    let branch = asked.branch.filter(|branch| !branch.is_empty()).unwrap_or_else(|| "main".to_owned());
    let remote = content.configure_remote(&asked.path.unwrap_or_default(), &url, &branch).await?;
    Ok(Json(json!({ "message": "remote configured", "remote": remote.as_str(), "branch": branch })))
}

pub(super) async fn list_branches(
    State(content): State<Arc<Content>>,
    query: Parameters,
) -> Result<Json<Value>, HttpError> {
    let branches = content.git_branches(query.get("path")).await?;
    Ok(Json(json!({ "branches": branches })))
}
