//! The platform's backend: one client for all that the runner asks of it.

use std::{path::PathBuf, time::Duration};

use reqwest::{Client, Method, RequestBuilder, Response, Url, header::HeaderValue, redirect::Policy};

use crate::security::Secret;

/// From asking to the last byte of the answer, unless a request says otherwise.
pub(crate) const ANSWER_WITHIN: Duration = Duration::from_secs(10);

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
    #[error("BACKEND_API_URL: expected http://…, found {0}://…")]
    Scheme(String),
    /// The client could not be made.
    #[error("the backend cannot be asked: {0}")]
    Client(String),
}

/// A backend, and the project in it.
pub struct Platform {
    client: Client,
    base: Url,
    project: String,
    bot_token: PathBuf,
    bot_token_given: Option<Secret>,
}

impl Platform {
    /// The backend at `url` (`http://backend.ns.svc:8080/api`, say) and a project. The runner's own token is read from
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
        if base.scheme() != "http" {
            return Err(BackendError::Scheme(base.scheme().to_owned()));
        }
        base.path_segments_mut().map_err(|()| BackendError::Url("it has no path".to_owned()))?.pop_if_empty();
        // No redirect and no proxy: the token goes to the named host alone.
        let client = Client::builder().redirect(Policy::none()).no_proxy().timeout(ANSWER_WITHIN).build();
        let client = client.map_err(|error| BackendError::Client(error.to_string()))?;
        Ok(Self { client, base, project: project.to_owned(), bot_token, bot_token_given })
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

    /// A request, which nobody is behind yet.
    pub(crate) fn request(&self, method: Method, url: Url) -> RequestBuilder {
        self.client.request(method, url)
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

/// A body of at most `limit` bytes; the error says what is wrong with it.
pub(crate) async fn bounded(mut response: Response, limit: usize) -> Result<Vec<u8>, String> {
    let mut body = Vec::new();
    while let Some(piece) = response.chunk().await.map_err(|_| "the backend's answer broke off".to_owned())? {
        body.extend_from_slice(&piece);
        if body.len() > limit {
            return Err(format!("the backend's answer is longer than {limit} bytes"));
        }
    }
    Ok(body)
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
        assert!(matches!(platform("https://b.ns.svc"), Err(BackendError::Scheme(_))));
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
