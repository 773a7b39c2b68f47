//! Asking the backend, as the runner itself.

use std::{sync::Arc, time::Duration};

use axum::{
    body::Body,
    http::{
        Method, Request, StatusCode,
        header::{AUTHORIZATION, CONTENT_TYPE},
    },
};
use serde_json::Value;
use url::Url;

use super::answer::complaint;
use crate::runner::backend::{Answer, AskError, Bounds, Platform};

/// From asking to the last byte of the answer: starting a session takes a while.
const WITHIN: Duration = Duration::from_secs(30);
/// The longest answer, in bytes: a page of sessions with long prompts, or the events of a long conversation.
const MAX_ANSWER: usize = 8 * 1024 * 1024;
const BOUNDS: Bounds = Bounds { within: WITHIN, longest: MAX_ANSWER };

/// Why the backend has not done what it was asked.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    /// Ask a person.
    #[error(
        "the platform refuses this (HTTP {0}): this session's own account may not do it. Ask the user to do it, or to have it allowed"
    )]
    Refused(u16),
    /// Look for the right name.
    #[error("the platform has no such session. acp_list_sessions with include_completed tells which there are")]
    Unknown,
    /// Change what is asked.
    #[error("the platform does not accept this (HTTP {status}): {said}. Change it and try again")]
    NotAccepted {
        /// The status of its answer.
        status: u16,
        /// Its own words.
        said: String,
    },
    /// Try again later.
    #[error("the platform failed (HTTP {status}): {said}. Try again later")]
    Failed {
        /// The status of its answer.
        status: u16,
        /// Its own words.
        said: String,
    },
    /// Look before trying again: it may have been done.
    #[error(
        "the platform did not answer within {} s. What was asked may have been done: look with acp_list_sessions before you try again",
        WITHIN.as_secs()
    )]
    Late,
    /// Try again later.
    #[error("the platform cannot be reached. Try again later")]
    Unreachable,
    /// Tell a person.
    #[error("{0}. Tell the user; trying again does not help")]
    Unreadable(String),
    /// Tell a person.
    #[error("this runner's own token for the platform cannot be used. Tell the user")]
    NoToken,
}

/// What the agent is told.
impl From<Failure> for String {
    fn from(failure: Failure) -> Self {
        failure.to_string()
    }
}

/// The backend, as these tools use it.
pub(super) struct Client(pub(super) Arc<Platform>);

impl Client {
    pub(super) async fn get(&self, url: Url) -> Result<Value, Failure> {
        self.ask(Method::GET, url, None).await
    }

    pub(super) async fn post(&self, url: Url, body: Option<&Value>) -> Result<Value, Failure> {
        self.ask(Method::POST, url, body).await
    }

    async fn ask(&self, method: Method, url: Url, body: Option<&Value>) -> Result<Value, Failure> {
        let token = self.0.own_authorization().await.ok_or(Failure::NoToken)?;
        let mut request = Request::builder().method(method).header(AUTHORIZATION, token);
        if body.is_some() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        let request = request.body(body).map_err(|_| Failure::NoToken)?;
        let answer = self.0.ask(&url, request, BOUNDS).await;
        read(answer.map_err(unanswered)?).await
    }
}

fn unanswered(error: AskError) -> Failure {
    match error {
        AskError::Late(_) => Failure::Late,
        AskError::Unreachable(_) => Failure::Unreachable,
        AskError::Broken(what) => Failure::Unreadable(format!("the platform {what}")),
    }
}

async fn read(answer: Answer) -> Result<Value, Failure> {
    let Answer { status, body } = answer;
    if status.is_success() {
        return document(body).await;
    }
    let said = complaint(&body).unwrap_or_else(|| "it does not say why".to_owned());
    let status_code = status.as_u16();
    Err(match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Failure::Refused(status_code),
        StatusCode::NOT_FOUND => Failure::Unknown,
        status if status.is_client_error() => Failure::NotAccepted { status: status_code, said },
        _ => Failure::Failed { status: status_code, said },
    })
}

/// The answer. Of one that is the stream of the run itself there is nothing.
async fn document(body: Vec<u8>) -> Result<Value, Failure> {
    if body.is_empty() {
        return Ok(Value::Null);
    }
    let no_json = || Failure::Unreadable("the platform's answer is no JSON".to_owned());
    // A long one takes a while, in which the turns of all threads would stand still.
    let parsed = tokio::task::spawn_blocking(move || serde_json::from_slice(&body));
    parsed.await.map_err(|_| no_json())?.map_err(|_| no_json())
}
