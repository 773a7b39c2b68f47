//! People's credentials, from the platform's backend.

use std::sync::Arc;

use reqwest::{
    Method, Response, StatusCode, Url,
    header::{AUTHORIZATION, HeaderValue},
};
use serde::Deserialize;

use super::kind::{Credential, Kind, Unavailable};
use crate::{
    runner::{
        backend::{ANSWER_WITHIN, Platform, authorization, bounded},
        caller::Caller,
    },
    security::Secret,
};

/// The longest answer, in bytes.
const MAX_ANSWER: usize = 64 * 1024;
/// Whom the runner's own token asks for.
const USER: &str = "x-runner-current-user";

/// The credentials of those who use a session.
pub struct Backend {
    platform: Arc<Platform>,
    session: String,
}

/// What it answers; its other members are not looked at.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    token: Option<Secret>,
    instance_url: Option<String>,
    expires_at: Option<String>,
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
            let response = self.ask(kind, caller, authorization(token.expose())).await?;
            if !is_refusal(response.status()) {
                return read(kind, caller, response).await;
            }
        }
        let response = self.ask(kind, caller, self.platform.own_authorization().await).await?;
        read(kind, caller, response).await
    }

    async fn ask(&self, kind: Kind, caller: &Caller, given: Option<HeaderValue>) -> Result<Response, Unavailable> {
        let given =
            given.ok_or_else(|| failed(kind, "the token that it would be asked with is no header".to_owned()))?;
        let url = self.platform.sessions_url(&[&self.session, "credentials", kind.path()]);
        let mut request = self.platform.request(Method::GET, url).header(AUTHORIZATION, given);
        if let Some(user) = &caller.user_id {
            request = request.header(USER, user);
        }
        request.send().await.map_err(|error| failed(kind, self.unreachable(&error)))
    }

    fn unreachable(&self, error: &reqwest::Error) -> String {
        let host = self.platform.host();
        if error.is_timeout() {
            format!("the backend at {host} did not answer within {} s", ANSWER_WITHIN.as_secs())
        } else {
            format!("the backend at {host} cannot be reached")
        }
    }
}

fn is_refusal(status: StatusCode) -> bool {
    matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN)
}

async fn read(kind: Kind, caller: &Caller, response: Response) -> Result<Credential, Unavailable> {
    let status = response.status();
    let absent = || Unavailable::Absent { kind, who: who(caller) };
    match status {
        StatusCode::NOT_FOUND | StatusCode::NO_CONTENT => return Err(absent()),
        status if is_refusal(status) => {
            return Err(Unavailable::Refused { kind, who: who(caller), status: status.as_u16() });
        }
        StatusCode::OK => {}
        status => return Err(failed(kind, format!("the backend answers HTTP {}", status.as_u16()))),
    }
    let body = bounded(response, MAX_ANSWER).await.map_err(|reason| failed(kind, reason))?;
    let answer: Answer =
        serde_json::from_slice(&body).map_err(|_| failed(kind, "the backend's answer is no credential".to_owned()))?;
    let token = answer.token.filter(|token| !token.expose().trim().is_empty()).ok_or_else(absent)?;
    if token.expose().contains(char::is_control) {
        return Err(failed(kind, "the backend's answer is no credential".to_owned()));
    }
    let host = answer.instance_url.as_deref().and_then(host_of).unwrap_or_else(|| kind.host().to_owned());
    let expires = answer.expires_at.and_then(|text| text.parse().ok());
    Ok(Credential { kind, token, host, expires })
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
