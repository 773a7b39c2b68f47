//! The platform's backend: one client for all that the runner asks of it.

mod client;
mod tls;

use std::path::PathBuf;

use axum::{
    body::Body,
    http::{HeaderValue, Request, header::ACCEPT},
};
use tokio_rustls::TlsConnector;
use url::Url;

pub(crate) use self::client::{Answer, AskError, Bounds};
use crate::security::Secret;

/// Why a backend cannot be used; the user must act.
#[derive(Debug, thiserror::Error)]
pub enum BackendError {
    /// The address is none.
    #[error("BACKEND_API_URL is no address: {0}")]
    Url(String),
    /// A token would leave the cluster.
    #[error(
        "BACKEND_API_URL names the host {0}, which is outside: expected *.svc, *.svc.cluster.local, localhost or 127.0.0.1"
    )]
    Outside(String),
    /// It would be spoken to in a way that is not there.
    #[error("BACKEND_API_URL: expected http://… or https://…, found {0}://…")]
    Scheme(String),
    /// Nobody's certificate could be believed.
    #[error("BACKEND_API_URL is an https:// address, and {0}")]
    Tls(String),
}

/// A backend, and the project in it.
pub struct Platform {
    base: Url,
    /// For an address that begins with `https`.
    tls: Option<TlsConnector>,
    project: String,
    bot_token: PathBuf,
    bot_token_given: Option<Secret>,
}

impl Platform {
    /// The backend at `url` (`http://backend.ns.svc:8080/api` or `https://…`, say) and a project. The runner's own token is read from
    /// `bot_token` at each use, or is `bot_token_given`.
    pub fn new(
        url: &str,
        project: &str,
        bot_token: PathBuf,
        bot_token_given: Option<Secret>,
    ) -> Result<Self, BackendError> {
        let mut base = Url::parse(url).map_err(|error| BackendError::Url(error.to_string()))?;
        let host = base.host_str().unwrap_or_default().to_owned();
        if !is_inside(&host) {
            return Err(BackendError::Outside(host));
        }
        let tls = match base.scheme() {
            "http" => None,
            "https" => Some(tls::connector().map_err(BackendError::Tls)?),
            other => return Err(BackendError::Scheme(other.to_owned())),
        };
        base.path_segments_mut().map_err(|()| BackendError::Url("it has no path".to_owned()))?.pop_if_empty();
        Ok(Self { base, tls, project: project.to_owned(), bot_token, bot_token_given })
    }

    /// The project's name.
    pub(crate) fn project(&self) -> &str {
        &self.project
    }

    /// The backend's own address.
    pub(crate) fn address(&self) -> &str {
        self.base.as_str()
    }

    /// The backend's host, for messages.
    pub(crate) fn host(&self) -> &str {
        self.base.host_str().unwrap_or_default()
    }

    /// An address below the backend's. Each step is one step of the path, whatever is in it.
    pub(crate) fn url(&self, steps: &[&str]) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.extend(steps);
        }
        url
    }

    /// An address below that of the project's sessions.
    pub(crate) fn sessions_url(&self, steps: &[&str]) -> Url {
        let mut url = self.url(&["projects", &self.project, "agentic-sessions"]);
        if let Ok(mut path) = url.path_segments_mut() {
            path.extend(steps);
        }
        url
    }

    /// Asks it something. The address is one of [`Self::url`] or [`Self::sessions_url`].
    pub(crate) async fn ask(&self, url: &Url, mut request: Request<Body>, bounds: Bounds) -> Result<Answer, AskError> {
        let json = HeaderValue::from_static("application/json");
        request.headers_mut().insert(ACCEPT, json);
        let path = url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()));
        let no_path = |_| AskError::Unreachable("cannot be asked for this".to_owned());
        *request.uri_mut() = path.parse().map_err(no_path)?;
        client::ask(url, self.tls.as_ref(), request, bounds).await
    }

    /// The runner's own token as a header, as it is now: the kubelet replaces it. None when there is none, or when it is no
    /// header.
    pub(crate) async fn own_authorization(&self) -> Option<HeaderValue> {
        let token = self.bot_token().await.unwrap_or_default();
        authorization(&format!("Bearer {}", token.expose()))
    }

    async fn bot_token(&self) -> Option<Secret> {
        let text = tokio::fs::read_to_string(&self.bot_token).await.ok();
        let token = text.map(|text| text.trim().to_owned()).filter(|token| !token.is_empty());
        token.map(Secret::from).or_else(|| self.bot_token_given.clone())
    }
}

/// A header that is not shown.
pub(crate) fn authorization(text: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// Whether a host is in the cluster or on this machine.
fn is_inside(host: &str) -> bool {
    let host = host.to_ascii_lowercase();
    let is_local = matches!(host.as_str(), "localhost" | "127.0.0.1");
    is_local || [".svc", ".svc.cluster.local"].iter().any(|zone| host.ends_with(zone))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn platform(url: &str) -> Result<Platform, BackendError> {
        Platform::new(url, "a project", PathBuf::new(), None)
    }

    #[test]
    fn a_token_never_leaves_the_cluster() {
        for url in [
            "http://backend.ns.svc:8080/api",
            "http://b.ns.svc.cluster.local",
            "http://localhost:1",
            "http://127.0.0.1/",
        ] {
            assert!(platform(url).is_ok(), "{url}");
        }
        for url in
            ["http://example.com", "http://svc", "http://evilsvc", "http://b.svc.evil.com", "http://127.0.0.1.nip.io"]
        {
            assert!(matches!(platform(url), Err(BackendError::Outside(_))), "{url}");
        }
        assert!(matches!(platform("ftp://b.ns.svc"), Err(BackendError::Scheme(_))));
        assert!(matches!(platform("https://b.ns.svc.evil.com"), Err(BackendError::Outside(_))));
        assert!(matches!(platform("nonsense"), Err(BackendError::Url(_))));
    }

    #[test]
    fn names_are_one_step_of_the_path_each() {
        let platform = platform("http://b.ns.svc/api/").unwrap();
        let path = platform.sessions_url(&["../s", "credentials", "a/b"]).path().to_owned();
        assert_eq!(path, "/api/projects/a%20project/agentic-sessions/..%2Fs/credentials/a%2Fb");
        assert_eq!(platform.url(&["workflows", "ootb"]).as_str(), "http://b.ns.svc/api/workflows/ootb");
    }
}
