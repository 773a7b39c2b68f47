//! HTTP errors in the form of the Messages API.

use axum::{
    Json,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode},
    response::{IntoResponse, Response},
};
use serde_json::json;

use super::script::{ErrorDetails, ErrorReply};

/// The response of an `error` rule.
pub(crate) fn response(error: &ErrorReply) -> Response {
    let short;
    let details = match error {
        ErrorReply::Detailed(details) => details,
        ErrorReply::Status(status) => {
            short = ErrorDetails { status: *status, ..ErrorDetails::default() };
            &short
        }
    };
    let (kind, message) = usual(details.status);
    let kind = details.kind.as_deref().unwrap_or(kind);
    let message = details.message.as_deref().unwrap_or(message);
    let status = StatusCode::from_u16(details.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let body =
        Json(json!({"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_scripted"}));
    (status, headers(details), body).into_response()
}

fn headers(details: &ErrorDetails) -> HeaderMap {
    let retry_after = details.retry_after.map(|seconds| ("retry-after".to_owned(), seconds.to_string()));
    let own = details.headers.iter().map(|(name, value)| (name.clone(), value.clone()));
    retry_after
        .into_iter()
        .chain(own)
        .filter_map(|(name, value)| Some((HeaderName::try_from(name).ok()?, HeaderValue::try_from(value).ok()?)))
        .collect()
}

/// The API's error type of a status, and a message.
fn usual(status: u16) -> (&'static str, &'static str) {
    match status {
        400 => ("invalid_request_error", "The request is not valid."),
        401 => ("authentication_error", "invalid x-api-key"),
        403 => ("permission_error", "This key may not use the model."),
        404 => ("not_found_error", "There is no such model."),
        413 => ("request_too_large", "The request is larger than allowed."),
        429 => ("rate_limit_error", "The rate limit is exceeded."),
        529 => ("overloaded_error", "Overloaded"),
        _ => ("api_error", "Internal server error"),
    }
}
