//! Errors as clients see them: `{"detail": …}`.

use axum::{
    Json,
    http::{StatusCode, Uri, header},
    response::{AppendHeaders, IntoResponse, Response},
};
use serde_json::json;

use crate::agui::InputError;

/// Why a request was refused.
#[derive(Debug, thiserror::Error)]
pub(super) enum GatewayError {
    /// 401: nobody knows who asks.
    #[error("{0}; send a token of this cluster as `Authorization: Bearer …`")]
    Unauthorized(&'static str),
    /// 403: it may not be had, or is not there: which of the two is not said.
    #[error("{0}")]
    Forbidden(String),
    /// 404: it is not there; told only to those who may know.
    #[error("{0}")]
    NotFound(String),
    /// 400: a parameter is wrong.
    #[error("{0}")]
    BadRequest(String),
    /// 409: not in this state.
    #[error("{0}")]
    Conflict(String),
    /// 410: it was there.
    #[error("{0}")]
    Gone(String),
    /// 422: the cluster does not take it.
    #[error("{0}")]
    Refused(String),
    /// 422: the body is not what the path takes.
    #[error("the input is not valid")]
    Input(Vec<InputError>),
    /// 503: the cluster does not answer; try again.
    #[error("the cluster's API server did not answer; try again")]
    Unavailable,
}

impl GatewayError {
    /// What a failed write of an object means to the client.
    pub(super) fn of(object: &str, error: &kube::Error) -> Self {
        match error {
            kube::Error::Api(status) if matches!(status.code, 400 | 403 | 413 | 422) => {
                Self::Refused(format!("{object}: {}", status.message))
            }
            kube::Error::Api(status) if status.code == 404 => Self::NotFound(format!("{object}: it is gone")),
            other => {
                tracing::warn!(%object, error = %other, "a request of a client failed");
                Self::Unavailable
            }
        }
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::Unauthorized(_) => StatusCode::UNAUTHORIZED,
            Self::Forbidden(_) => StatusCode::FORBIDDEN,
            Self::NotFound(_) => StatusCode::NOT_FOUND,
            Self::BadRequest(_) => StatusCode::BAD_REQUEST,
            Self::Conflict(_) => StatusCode::CONFLICT,
            Self::Gone(_) => StatusCode::GONE,
            Self::Refused(_) | Self::Input(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}

impl IntoResponse for GatewayError {
    fn into_response(self) -> Response {
        let detail = match &self {
            Self::Input(errors) => json!(errors),
            other => json!(other.to_string()),
        };
        let header = match &self {
            Self::Unauthorized(_) => Some((header::WWW_AUTHENTICATE, "Bearer realm=\"ambient-gateway\"")),
            Self::Unavailable => Some((header::RETRY_AFTER, "2")),
            _ => None,
        };
        (self.status(), header.map(|header| AppendHeaders([header])), Json(json!({ "detail": detail }))).into_response()
    }
}

/// Every path that is not a route.
pub(super) async fn not_found(uri: Uri) -> GatewayError {
    GatewayError::NotFound(format!("no route {}; /openapi.json lists them", uri.path()))
}
