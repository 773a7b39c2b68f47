//! People's credentials, from the platform's backend.

mod answer;

use std::{sync::Arc, time::Duration};

use axum::{
    body::Body,
    http::{HeaderValue, Request, StatusCode, header::AUTHORIZATION},
};
use url::Url;

pub(super) use self::answer::is_web;
use super::{
    credential::Credential,
    kind::{Kind, Unavailable},
};
use crate::runner::{
    backend::{Answer, Bounds, Platform, authorization},
    caller::Caller,
};

/// A credential is small, and somebody waits for it.
const BOUNDS: Bounds = Bounds { within: Duration::from_secs(10), longest: 64 * 1024 };
/// Whom the runner's own token asks for.
const USER: &str = "x-runner-current-user";

/// The credentials of those who use a session.
pub struct Backend {
    platform: Arc<Platform>,
    session: String,
}

impl Backend {
    /// Credentials for the runs of a session.
    #[must_use]
    pub fn new(platform: Arc<Platform>, session: &str) -> Self {
        Self { platform, session: session.to_owned() }
    }

    /// Asks for a person's credential: with their own token, and when that is refused with the runner's.
    pub(super) async fn fetch(&self, kind: Kind, caller: &Caller) -> Result<Credential, Unavailable> {
        if let Some(token) = &caller.token {
            let answer = self.ask(kind, caller, authorization(token.expose())).await?;
            if !is_refusal(answer.status) {
                return read(kind, caller, &answer);
            }
        }
        let answer = self.ask(kind, caller, self.platform.own_authorization().await).await?;
        read(kind, caller, &answer)
    }

    async fn ask(&self, kind: Kind, caller: &Caller, given: Option<HeaderValue>) -> Result<Answer, Unavailable> {
        let given =
            given.ok_or_else(|| failed(kind, "the token that it would be asked with is no header".to_owned()))?;
        let url = self.platform.sessions_url(&[&self.session, "credentials", kind.path()]);
        let mut request = Request::get("/").header(AUTHORIZATION, given);
        if let Some(user) = &caller.user_id {
            request = request.header(USER, user);
        }
        let request =
            request.body(Body::empty()).map_err(|_| failed(kind, "the person has no usable id".to_owned()))?;
        let answer = self.platform.ask(&url, request, BOUNDS).await;
        answer.map_err(|what| failed(kind, format!("the backend at {} {what}", self.platform.host())))
    }
}

fn is_refusal(status: StatusCode) -> bool {
    matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN)
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

    #[test]
    fn the_host_of_an_instance_is_read_from_its_address() {
        assert_eq!(host_of("https://GitLab.example.com/").as_deref(), Some("gitlab.example.com"));
        assert_eq!(host_of("gitlab.example.com:8443").as_deref(), Some("gitlab.example.com:8443"));
        assert_eq!(host_of("http://gitlab.example.com"), None);
    }
}
