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
    out::{Format, answer},
    stream::{self, From},
};
use crate::api::Run;

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
    let format = match params.format.as_deref() {
        None | Some("agui") => Format::Event,
        Some("record") => Format::Record,
        Some(other) => {
            return Err(GatewayError::BadRequest(format!("format: expected agui or record, found {other:?}")));
        }
    };
    // The header wins: a browser that reconnects sends it with the URL it was first given.
    let header = headers.get("last-event-id").map(|value| value.to_str().unwrap_or("?"));
    match (header.or(params.after.as_deref()), format) {
        (Some(text), format) => {
            let bad =
                |_| GatewayError::BadRequest(format!("cursor: expected the id of an event (a number), found {text:?}"));
            Ok(From::After(text.parse().map_err(bad)?, format))
        }
        (None, Format::Record) => Ok(From::After(0, format)),
        (None, Format::Event) => Ok(From::Joining),
    }
}
