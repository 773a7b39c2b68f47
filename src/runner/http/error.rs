//! Errors as clients see them: `{"detail": …}`, as the original's.

use axum::{
    Json,
    http::{StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

use crate::{agui::InputError, eventlog::LogError, runner::SubmitError};

/// Why a request was refused.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// 401: the session's token is missing or wrong.
    #[error("Unauthorized")]
    Unauthorized,
    /// 404: the thing does not exist.
    #[error("{0}")]
    NotFound(String),
    /// 400: a parameter is wrong.
    #[error("{0}")]
    BadRequest(String),
    /// 403: it exists, and may not be had.
    #[error("{0}")]
    Forbidden(String),
    /// 409: not now; something else is under way.
    #[error("{0}")]
    Conflict(String),
    /// 413: it is larger than the limit that the message names.
    #[error("{0}")]
    TooLarge(String),
    /// 507: there is no space for it; the message says what to do.
    #[error("{0}")]
    Full(String),
    /// 422: it cannot be done in this state.
    #[error("{0}")]
    Refused(String),
    /// 500: the platform or something behind it failed; the message says what to do.
    #[error("{0}")]
    Failed(String),
    /// 422: the body is not what the route takes.
    #[error("the input is not valid")]
    Input(Vec<InputError>),
    /// The run was not accepted.
    #[error(transparent)]
    Submit(#[from] SubmitError),
    /// The log could not be read or written.
    #[error(transparent)]
    Log(#[from] LogError),
}

impl HttpError {
    fn status(&self) -> StatusCode {
        match self {
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::NotFound(_) => StatusCode::NOT_FOUND,
            Self::BadRequest(_) => StatusCode::BAD_REQUEST,
            Self::Forbidden(_) => StatusCode::FORBIDDEN,
            Self::Conflict(_)
            | Self::Submit(SubmitError::Busy { .. } | SubmitError::Crowded { .. } | SubmitError::Uncovered(_)) => {
                StatusCode::CONFLICT
            }
            Self::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Input(_) | Self::Refused(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Failed(_) => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Submit(SubmitError::TooManyThreads { .. }) => StatusCode::TOO_MANY_REQUESTS,
            Self::Submit(SubmitError::Stopping) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Full(_) | Self::Submit(SubmitError::Log(_)) | Self::Log(_) => StatusCode::INSUFFICIENT_STORAGE,
        }
    }

    fn detail(&self) -> Value {
        match self {
            Self::Input(errors) => json!(errors),
            other => Value::String(other.to_string()),
        }
    }
}

impl IntoResponse for HttpError {
    fn into_response(self) -> Response {
        let status = self.status();
        let body = Json(json!({ "detail": self.detail() }));
        let retry = status == StatusCode::SERVICE_UNAVAILABLE || status == StatusCode::CONFLICT;
        let headers = retry.then_some([(header::RETRY_AFTER, "5")]);
        (status, headers.map(axum::response::AppendHeaders), body).into_response()
    }
}

/// Every path that is not a route.
pub(super) async fn not_found(uri: Uri) -> HttpError {
    HttpError::NotFound(format!("no route {}", uri.path()))
}
