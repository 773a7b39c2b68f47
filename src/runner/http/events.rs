//! `GET /events/{thread}`: follow a thread from a cursor, or join it as an AG-UI client.

use std::sync::Arc;

use axum::{
    Extension,
    extract::{Path, Query, State},
    http::HeaderMap,
    response::Response,
};
use serde::Deserialize;

use super::{
    HttpError, Server,
    join::{self, Joins},
    stream,
};
use crate::{
    agui::Id,
    eventlog::{Asked, Format, ThreadLog},
};

#[derive(Deserialize)]
pub(super) struct Params {
    after: Option<String>,
    format: Option<String>,
}

/// With `Last-Event-ID` or `?after=N` everything after that id, for ever. Without, an AG-UI stream: what has been, as
/// snapshots, then the run that goes (or the next one) to its end.
pub(super) async fn events(
    State(server): State<Server>,
    Extension(joins): Extension<Arc<Joins>>,
    Path(thread): Path<Id>,
    Query(params): Query<Params>,
    headers: HeaderMap,
) -> Result<Response, HttpError> {
    let asked = asked(&headers, &params)?;
    let log = open(&server, &thread).await?;
    match asked {
        Asked { after: None, format: Format::Event } => Ok(stream::response(stream::joined(log, joins, server.pace))),
        Asked { after, format } => {
            let reader = log.reader(after.unwrap_or(0));
            Ok(stream::response(stream::raw_tail(reader, format, server.pace)))
        }
    }
}

/// The same, but 404 when no run goes on the thread and none starts soon.
pub(super) async fn wait(
    State(server): State<Server>,
    Extension(joins): Extension<Arc<Joins>>,
    Path(thread): Path<Id>,
) -> Result<Response, HttpError> {
    let none = || HttpError::NotFound(format!("No active stream for thread '{}'", thread.as_str()));
    let log = open(&server, &thread).await?;
    let active = tokio::time::timeout(server.wait, join::running(&log)).await;
    active.map_err(|_| none())??;
    Ok(stream::response(stream::joined(log, joins, server.pace)))
}

/// The log of a thread that exists; the session's own may be followed before its first run.
async fn open(server: &Server, thread: &Id) -> Result<ThreadLog, HttpError> {
    if *thread == server.session_id {
        return Ok(server.engine.open_log(thread).await?);
    }
    let unknown = || HttpError::NotFound(format!("no thread '{}' in this session", thread.as_str()));
    server.engine.log(thread).ok_or_else(unknown)
}

fn asked(headers: &HeaderMap, params: &Params) -> Result<Asked, HttpError> {
    let header = headers.get("last-event-id").map(|value| value.to_str().unwrap_or("?"));
    Asked::of(header, params.after.as_deref(), params.format.as_deref()).map_err(HttpError::BadRequest)
}
