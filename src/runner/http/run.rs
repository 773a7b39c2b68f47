//! `POST /` and `POST /run`: start a run and stream it.

use axum::{body::Bytes, extract::State, response::Response};

use super::{HttpError, Server, stream};
use crate::{agui::parse_input, runner::session::RunRequest};

/// Accepts the run, then answers with its events. The client may leave: the run goes on.
pub(super) async fn run(State(server): State<Server>, body: Bytes) -> Result<Response, HttpError> {
    let input = parse_input(&body).map_err(HttpError::Input)?;
    let ticket = server.engine.submit(RunRequest::plain(input)).await?;
    Ok(stream::response(stream::of_run(ticket, server.pace)))
}
