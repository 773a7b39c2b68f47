//! `GET /content/workflow-metadata`.

use std::sync::Arc;

use axum::{Json, extract::State};

use super::query::Parameters;
use crate::runner::{
    content::{Content, Metadata},
    http::HttpError,
};

/// What the active workflow offers. This runner has one session, but the original's clients always name theirs.
pub(super) async fn metadata(
    State(content): State<Arc<Content>>,
    query: Parameters,
) -> Result<Json<Metadata>, HttpError> {
    if query.get("session").is_empty() {
        return Err(HttpError::BadRequest("session is missing; add ?session=NAME".to_owned()));
    }
    Ok(Json(content.workflow().await?))
}
