//! The platform's backend, which knows people's credentials.

mod answer;
mod client;
mod tls;

use std::path::PathBuf;

use axum::{
    body::Body,
    http::{
        Request, StatusCode,
        header::{ACCEPT, AUTHORIZATION, HeaderValue},
    },
};
use tokio_rustls::TlsConnector;
use url::Url;

pub(super) use self::answer::is_web;
use self::client::Answer;
use super::{
    credential::Credential,
    kind::{Kind, Unavailable},
};
use crate::{runner::caller::Caller, security::Secret};

/// Whom the runner's own token asks for.
const USER: &str = "x-runner-current-user";

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

/// A backend, and the session in it.
pub struct Backend {
    base: Url,
    /// For an address that begins with `https`.
    tls: Option<TlsConnector>,
    bot_token: PathBuf,
    bot_token_given: Option<Secret>,
}

impl Backend {
    /// The backend at `url` (`http://backend.ns.svc:8080/api` or `https://…`, say), for a session of a project. Its own token
    /// is read from `bot_token` at each use, or is `bot_token_given`.
    pub fn new(
        url: &str,
        project: &str,
        session: &str,
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
        base.path_segments_mut().map_err(|()| BackendError::Url("it has no path".to_owned()))?.pop_if_empty().extend([
            "projects",
            project,
            "agentic-sessions",
            session,
            "credentials",
        ]);
        Ok(Self { base, tls, bot_token, bot_token_given })
    }

    /// Asks for a person's credential: with their own token, and when that is refused with the runner's.
    pub(super) async fn fetch(&self, kind: Kind, caller: &Caller) -> Result<Credential, Unavailable> {
        if let Some(token) = &caller.token {
            let answer = self.ask(kind, caller, token.expose()).await?;
            if !is_refusal(answer.status) {
                return read(kind, caller, &answer);
            }
        }
        let bot = self.bot_token().await.unwrap_or_default();
        let answer = self.ask(kind, caller, &format!("Bearer {}", bot.expose())).await?;
        read(kind, caller, &answer)
    }

    async fn ask(&self, kind: Kind, caller: &Caller, authorization: &str) -> Result<Answer, Unavailable> {
        let mut url = self.base.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.push(kind.path());
        }
        let no_header = |_| failed(kind, "the token that it would be asked with is no header".to_owned());
        let mut authorization = HeaderValue::from_str(authorization).map_err(no_header)?;
        authorization.set_sensitive(true);
        let mut request =
            Request::get(url.path()).header(AUTHORIZATION, authorization).header(ACCEPT, "application/json");
        if let Some(user) = &caller.user_id {
            request = request.header(USER, user);
        }
        let request =
            request.body(Body::empty()).map_err(|_| failed(kind, "the session has no usable name".to_owned()))?;
        let answer = client::ask(&url, self.tls.as_ref(), request).await;
        let host = url.host_str().unwrap_or_default();
        answer.map_err(|what| failed(kind, format!("the backend at {host} {what}")))
    }

    /// The runner's own token, as it is now: the kubelet replaces it.
    async fn bot_token(&self) -> Option<Secret> {
        let text = tokio::fs::read_to_string(&self.bot_token).await.ok();
        let token = text.map(|text| text.trim().to_owned()).filter(|token| !token.is_empty());
        token.map(Secret::from).or_else(|| self.bot_token_given.clone())
    }
}

fn is_refusal(status: StatusCode) -> bool {
    matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN)
}

/// Whether a host is in the cluster or on this machine.
fn is_inside(host: &str) -> bool {
    let host = host.to_ascii_lowercase();
    let is_local = matches!(host.as_str(), "localhost" | "127.0.0.1");
    is_local || [".svc", ".svc.cluster.local"].iter().any(|zone| host.ends_with(zone))
}

fn read(kind: Kind, caller: &Caller, answer: &Answer) -> Result<Credential, Unavailable> {
    let absent = || Unavailable::Absent { kind, who: who(caller) };
    match answer.status {
        StatusCode::NOT_FOUND | StatusCode::NO_CONTENT => return Err(absent()),
        status if is_refusal(status) => {
            return Err(Unavailable::Refused { kind, who: who(caller), status: status.as_u16() });
        }
        StatusCode::OK => {}
        status => return Err(failed(kind, format!("the backend answers HTTP {}", status.as_u16()))),
    }
    let nonsense = |_| failed(kind, "the backend's answer is no credential".to_owned());
    answer::read(kind, &answer.body).map_err(nonsense)?.ok_or_else(absent)
}

fn failed(kind: Kind, reason: String) -> Unavailable {
    Unavailable::Failed { kind, reason }
}

pub(super) fn who(caller: &Caller) -> String {
    caller.user_id.clone().unwrap_or_else(|| "this session".to_owned())
}

/// Host and port of an address, which may lack its scheme. Only what is spoken to over TLS.
pub(super) fn host_of(address: &str) -> Option<String> {
    let whole = if address.contains("://") { address.to_owned() } else { format!("https://{address}") };
    let url = Url::parse(&whole).ok().filter(|url| url.scheme() == "https")?;
    let host = url.host_str()?.to_ascii_lowercase();
    Some(url.port().map_or_else(|| host.clone(), |port| format!("{host}:{port}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn backend(url: &str) -> Result<Backend, BackendError> {
        Backend::new(url, "a project", "../s", PathBuf::new(), None)
    }

    #[test]
    fn a_token_never_leaves_the_cluster() {
        for url in [
            "http://backend.ns.svc:8080/api",
            "http://b.ns.svc.cluster.local",
            "http://localhost:1",
            "http://127.0.0.1/",
        ] {
            assert!(backend(url).is_ok(), "{url}");
        }
        for url in
            ["http://example.com", "http://svc", "http://evilsvc", "http://b.svc.evil.com", "http://127.0.0.1.nip.io"]
        {
            assert!(matches!(backend(url), Err(BackendError::Outside(_))), "{url}");
        }
        assert!(matches!(backend("ftp://b.ns.svc"), Err(BackendError::Scheme(_))));
        assert!(matches!(backend("https://b.ns.svc.evil.com"), Err(BackendError::Outside(_))));
        assert!(matches!(backend("nonsense"), Err(BackendError::Url(_))));
    }

    #[test]
    fn names_are_one_step_of_the_path_each() {
        let path = backend("http://b.ns.svc/api/").unwrap().base.path().to_owned();
        assert!(path.starts_with("/api/projects/a%20project/agentic-sessions/"), "{path}");
        assert!(!path.contains("/../"), "{path}");
    }

    #[test]
    fn the_host_of_an_instance_is_read_from_its_address() {
        assert_eq!(host_of("https://GitLab.example.com/").as_deref(), Some("gitlab.example.com"));
        assert_eq!(host_of("gitlab.example.com:8443").as_deref(), Some("gitlab.example.com:8443"));
        assert_eq!(host_of("http://gitlab.example.com"), None);
    }
}
