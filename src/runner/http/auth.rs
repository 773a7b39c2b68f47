//! The session's token.

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use subtle::ConstantTimeEq;

use super::{HttpError, Server};

/// The header of the platform's clients.
const HEADER: &str = "x-ambient-session-token";

/// Lets a request through that carries the session's token, or any when the runner has none.
pub(super) async fn check(State(server): State<Server>, request: Request, next: Next) -> Response {
    let given = request.headers().get(HEADER).map_or(&[][..], |value| value.as_bytes());
    match &server.token {
        // Constant time: how long the comparison takes tells nothing of how much was right.
        Some(token) if !bool::from(token.expose().as_bytes().ct_eq(given)) => HttpError::Unauthorized.into_response(),
        Some(_) | None => next.run(request).await,
    }
}
