//! `POST /` and `POST /run`: start a run and stream it.

use axum::{body::Bytes, extract::State, http::HeaderMap, response::Response};

use super::{HttpError, Server, caller, stream};
use crate::{agui::parse_run, runner::session::RunRequest};

/// Accepts the run, then answers with its events. The client may leave: the run goes on.
pub(super) async fn run(State(server): State<Server>, headers: HeaderMap, body: Bytes) -> Result<Response, HttpError> {
    let (input, extras) = parse_run(&body).map_err(HttpError::Input)?;
    let request = RunRequest::of_client(input, extras, caller::of(&headers));
    let ticket = server.engine.submit(request).await?;
    Ok(stream::response(stream::of_run(ticket, server.pace)))
}
