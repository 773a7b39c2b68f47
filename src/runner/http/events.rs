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
    stream::{self, Format},
};
use crate::{
    agui::Id,
    eventlog::{Seq, ThreadLog},
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
    let format = format(params.format.as_deref())?;
    let log = open(&server, &thread).await?;
    if let Some(after) = cursor(&headers, params.after.as_deref())? {
        let reader = log.reader(after);
        return Ok(stream::response(stream::raw_tail(reader, format, server.pace)));
    }
    if format == Format::Record {
        return Ok(stream::response(stream::raw_tail(log.reader(0), format, server.pace)));
    }
    Ok(stream::response(stream::joined(log, joins, server.pace)))
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

fn format(name: Option<&str>) -> Result<Format, HttpError> {
    match name {
        None | Some("agui") => Ok(Format::Event),
        Some("record") => Ok(Format::Record),
        Some(other) => Err(HttpError::BadRequest(format!("format: expected agui or record, found {other:?}"))),
    }
}

/// Where a reader goes on. The header wins: a browser that reconnects sends it with the URL it was first given.
fn cursor(headers: &HeaderMap, after: Option<&str>) -> Result<Option<Seq>, HttpError> {
    let header = headers.get("last-event-id").map(|value| value.to_str().unwrap_or("?"));
    let Some(text) = header.or(after) else {
        return Ok(None);
    };
    let bad = || HttpError::BadRequest(format!("cursor: expected the id of an event (a number), found {text:?}"));
    text.parse().map(Some).map_err(|_| bad())
}
