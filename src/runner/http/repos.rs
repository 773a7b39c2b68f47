//! `POST /repos/add`, `POST /repos/remove`, `GET /repos/status`.

use axum::{Json, body::Bytes, extract::State, http::HeaderMap};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{HttpError, Server, body};
use crate::{
    runner::sources::{NewRepo, RequestTokens, SourceError},
    security::Secret,
};

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Add {
    url: String,
    branch: Option<String>,
    name: Option<String>,
    auto_push: bool,
}

/// Clones a repository into the session; the agent has it from its next turn on.
pub(super) async fn add(
    State(server): State<Server>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Value>, HttpError> {
    let Add { url, branch, name, auto_push } = body::read(&body)?;
    if url.is_empty() {
        return Err(HttpError::BadRequest("url is required: the clone URL of the repository".to_owned()));
    }
    let new = NewRepo { url, branch: branch.unwrap_or_default(), name, auto_push };
    let added = server.sources.add(new, tokens(&headers)).await?;
    Ok(Json(json!({
        "message": "Repository added",
        "name": added.name,
        "path": added.path,
        "newly_cloned": added.newly_cloned,
    })))
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Remove {
    name: String,
}

/// Takes a repository out of the session, with its folder.
pub(super) async fn remove(State(server): State<Server>, body: Bytes) -> Result<Json<Value>, HttpError> {
    let Remove { name } = body::read(&body)?;
    if name.is_empty() {
        return Err(HttpError::BadRequest("name is required: the repository's folder below repos/".to_owned()));
    }
    server.sources.remove(name).await?;
    Ok(Json(json!({ "message": "Repository removed" })))
}

/// The repositories with their branches.
pub(super) async fn status(State(server): State<Server>) -> Json<Value> {
    Json(server.sources.status().await)
}

/// The tokens that came with a request; what is no text is none.
pub(super) fn tokens(headers: &HeaderMap) -> RequestTokens {
    let token = |name| {
        let value = headers.get(name)?.to_str().ok()?.trim();
        (!value.is_empty()).then(|| Secret::from(value))
    };
    RequestTokens { github: token("x-github-token"), gitlab: token("x-gitlab-token") }
}

impl From<SourceError> for HttpError {
    fn from(error: SourceError) -> Self {
        let message = error.to_string();
        match error {
            SourceError::Invalid { .. } => Self::Refused(message),
            SourceError::NotFound(_) => Self::NotFound(message),
            SourceError::Conflict(_) => Self::Conflict(message),
            SourceError::Fetch { error, .. } => match *error {
                crate::workspace::fetch::FetchError::Occupied(_) => Self::Conflict(message),
                crate::workspace::fetch::FetchError::Workflow(_) => Self::Refused(message),
                crate::workspace::fetch::FetchError::Clone(_) | crate::workspace::fetch::FetchError::Io(..) => {
                    Self::Failed(message)
                }
            },
            SourceError::Deadline { .. } | SourceError::Platform(_) => Self::Failed(message),
        }
    }
}
