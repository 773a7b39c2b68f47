//! `GET …/events` of sessions and Runs.

use std::sync::Arc;

use axum::{
    extract::{Path, Query, State},
    http::HeaderMap,
    response::Response,
};
use serde::Deserialize;

use super::{
    Gateway,
    error::GatewayError,
    find::{self, Found},
    out::answer,
    stream::{self, From},
};
use crate::{
    api::Run,
    eventlog::{Asked, Format},
};

#[derive(Default, Deserialize)]
pub(super) struct Params {
    after: Option<String>,
    format: Option<String>,
    thread: Option<String>,
    follow: Option<bool>,
}

/// A session's thread.
pub(super) async fn session(
    State(gateway): State<Arc<Gateway>>,
    Path((namespace, name)): Path<(String, String)>,
    Query(params): Query<Params>,
    headers: HeaderMap,
) -> Result<Response, GatewayError> {
    let Found { object, caller, right } = gateway.session(&headers, &namespace, &name).await?;
    let from = from(&headers, &params)?;
    let log = find::log(&object, params.thread.as_deref());
    if !gateway.source.has(&log) && params.follow == Some(false) {
        return Err(away(&format!("session {namespace}/{name}")));
    }
    let last = (params.follow == Some(false)).then(|| stream::upto(&gateway, &log));
    let until = gateway.revoked(caller, right);
    Ok(answer(gateway.pace, until, |out| stream::thread(gateway, log, from, last, out)))
}

/// One Run, to its end; also one that was deleted, by its UID.
pub(super) async fn run(
    State(gateway): State<Arc<Gateway>>,
    Path((namespace, name)): Path<(String, String)>,
    Query(params): Query<Params>,
    headers: HeaderMap,
) -> Result<Response, GatewayError> {
    let found = gateway.run_or_kept(&headers, &namespace, &name).await?;
    let from = from(&headers, &params)?;
    of_run(gateway, found, from)
}

/// The stream of a Run that the caller may read.
pub(super) fn of_run(gateway: Arc<Gateway>, found: Found<Arc<Run>>, from: From) -> Result<Response, GatewayError> {
    let Found { object, caller, right } = found;
    let over = object.status.as_ref().is_some_and(stream::is_over);
    let recorded =
        object.status.as_ref().and_then(|status| status.events.as_ref()).is_some_and(|events| events.count > 0);
    let readable = gateway.log_of(&object).is_some_and(|log| gateway.source.has(&log));
    if over && recorded && !readable {
        return Err(away(&format!("Run {}", object.metadata.name.as_deref().unwrap_or_default())));
    }
    let until = gateway.revoked(caller, right);
    Ok(answer(gateway.pace, until, |out| stream::run(gateway, object, from, out)))
}

fn away(what: &str) -> GatewayError {
    GatewayError::Gone(format!("the events of {what} are not kept any more"))
}

fn from(headers: &HeaderMap, params: &Params) -> Result<From, GatewayError> {
    let header = headers.get("last-event-id").map(|value| value.to_str().unwrap_or("?"));
    let asked = Asked::of(header, params.after.as_deref(), params.format.as_deref());
    Ok(match asked.map_err(GatewayError::BadRequest)? {
        Asked { after: None, format: Format::Event } => From::Joining,
        Asked { after, format } => From::After(after.unwrap_or(0), format),
    })
}
