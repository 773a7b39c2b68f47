//! Who gets in: this machine's programs that know a secret, and not a browser's page that was led here.

use std::{sync::Arc, time::Duration};

use axum::{
    Json,
    extract::{Request, State},
    http::{HeaderMap, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use serde_json::json;
use tokio::sync::Semaphore;

use super::grants::Grants;

/// What the gate knows.
#[derive(Clone)]
pub(super) struct Gate {
    pub(super) port: u16,
    pub(super) grants: Arc<Grants>,
    /// A permit for each request that may be executed.
    pub(super) places: Arc<Semaphore>,
    pub(super) within: Duration,
}

/// Why a request is refused.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(super) enum Refusal {
    /// A name that was made to lead here (DNS rebinding), or another site's page.
    #[error("this server is for programs of this machine: {0} names another one")]
    Foreign(&'static str),
    /// The secret is missing, wrong, or of an agent that was replaced.
    #[error(
        "expected the header `Authorization: Bearer SECRET` with the secret that this thread's agent was started with"
    )]
    Unauthorized,
    /// Try again when a call has ended.
    #[error("{0} calls are under way, which is the most; try again when one has ended")]
    Crowded(usize),
    /// The request took too long.
    #[error("the call took longer than {0} s and was given up; look at what it has done before you try again")]
    Late(u64),
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status = match self {
            Self::Foreign(_) => StatusCode::FORBIDDEN,
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::Crowded(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Late(_) => StatusCode::GATEWAY_TIMEOUT,
        };
        let body =
            Json(json!({ "jsonrpc": "2.0", "id": null, "error": { "code": -32000, "message": self.to_string() } }));
        let mut response = (status, body).into_response();
        let hint = match status {
            StatusCode::UNAUTHORIZED => Some((header::WWW_AUTHENTICATE, "Bearer")),
            StatusCode::SERVICE_UNAVAILABLE => Some((header::RETRY_AFTER, "1")),
            _ => None,
        };
        if let Some((name, value)) = hint {
            response.headers_mut().insert(name, header::HeaderValue::from_static(value));
        }
        response
    }
}

/// Lets a request pass, with the thread that it is for.
pub(super) async fn pass(State(gate): State<Gate>, mut request: Request, next: Next) -> Response {
    if let Err(refusal) = is_of_here(request.headers(), gate.port) {
        return refusal.into_response();
    }
    let Some(caller) = bearer(request.headers()).and_then(|secret| gate.grants.caller(secret)) else {
        return Refusal::Unauthorized.into_response();
    };
    let Ok(_place) = gate.places.try_acquire() else {
        return Refusal::Crowded(crate::bridge::tools::CALLS_AT_ONCE).into_response();
    };
    // Whatever is behind the gate has no use for the secret, and may log what it gets.
    request.headers_mut().remove(header::AUTHORIZATION);
    request.extensions_mut().insert(caller);
    match tokio::time::timeout(gate.within, next.run(request)).await {
        Ok(response) => response,
        Err(_) => Refusal::Late(gate.within.as_secs()).into_response(),
    }
}

/// A browser says in `Host` by which name it was led here, and in `Origin` whose page asks.
pub(super) fn is_of_here(headers: &HeaderMap, port: u16) -> Result<(), Refusal> {
    let ours = ["127.0.0.1", "localhost"].map(|host| format!("{host}:{port}"));
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    if !ours.iter().any(|known| known.eq_ignore_ascii_case(host)) {
        return Err(Refusal::Foreign("Host"));
    }
    let is_ours = |origin: &str| {
        origin.strip_prefix("http://").is_some_and(|host| ours.iter().any(|known| known.eq_ignore_ascii_case(host)))
    };
    let mut origins = headers.get_all(header::ORIGIN).iter();
    if origins.all(|origin| origin.to_str().is_ok_and(is_ours)) { Ok(()) } else { Err(Refusal::Foreign("Origin")) }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, secret) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(secret.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(host: &str, origin: Option<&str>) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, host.parse().unwrap());
        if let Some(origin) = origin {
            headers.insert(header::ORIGIN, origin.parse().unwrap());
        }
        headers
    }

    #[test]
    fn programs_of_this_machine_get_in_and_pages_that_were_led_here_do_not() {
        for (host, origin) in
            [("127.0.0.1:7", None), ("localhost:7", None), ("127.0.0.1:7", Some("http://127.0.0.1:7"))]
        {
            assert_eq!(is_of_here(&headers(host, origin), 7), Ok(()), "{host} {origin:?}");
        }
        for host in ["evil.example", "evil.example:7", "127.0.0.1:8", "127.0.0.1", "127.0.0.1.evil.example:7", ""] {
            assert_eq!(is_of_here(&headers(host, None), 7), Err(Refusal::Foreign("Host")), "{host}");
        }
        for origin in ["null", "https://evil.example", "http://127.0.0.1:8", "https://127.0.0.1:7", ""] {
            let refused = is_of_here(&headers("127.0.0.1:7", Some(origin)), 7);
            assert_eq!(refused, Err(Refusal::Foreign("Origin")), "{origin}");
        }
        assert!(is_of_here(&HeaderMap::new(), 7).is_err(), "a request without Host");
    }

    #[test]
    fn only_a_bearer_is_a_secret() {
        let with = |value: &str| HeaderMap::from_iter([(header::AUTHORIZATION, value.parse().unwrap())]);
        assert_eq!(bearer(&with("Bearer abc")), Some("abc"));
        assert_eq!(bearer(&with("bearer  abc ")), Some("abc"));
        assert_eq!(bearer(&with("Basic abc")), None);
        assert_eq!(bearer(&with("abc")), None);
        assert_eq!(bearer(&HeaderMap::new()), None);
    }
}
