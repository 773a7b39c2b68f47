//! `/content/*`: the files of the workspace.

mod error;
mod files;
mod git;
mod query;
mod workflow;

use std::sync::Arc;

use axum::{
    Router,
    routing::{delete, get, post},
};

use crate::runner::content::Content;

/// The routes of this family; `S` is the state of the router that they are merged into.
pub fn router<S: Clone + Send + Sync + 'static>(content: Arc<Content>) -> Router<S> {
    Router::new()
        .route("/content/list", get(files::list))
        .route("/content/file", get(files::file))
        .route("/content/write", post(files::write))
        .route("/content/delete", delete(files::delete))
        .route("/content/git-status", get(git::status))
        .route("/content/git-configure-remote", post(git::configure_remote))
        .route("/content/git-list-branches", get(git::list_branches))
        .route("/content/workflow-metadata", get(workflow::metadata))
        .with_state(content)
}
