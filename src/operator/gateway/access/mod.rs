//! Who asks, and what they may: the API server decides both, and its answers are kept for seconds.

mod kept;

use std::{sync::Arc, time::Duration};

use axum::http::{HeaderMap, header};
use k8s_openapi::api::{
    authentication::v1::{TokenReview, TokenReviewSpec, UserInfo},
    authorization::v1::{ResourceAttributes, SubjectAccessReview, SubjectAccessReviewSpec},
};
use kube::{Api, Client, Resource, api::PostParams};
use sha2::{Digest, Sha256};

use self::kept::Kept;
use super::error::GatewayError;
use crate::{api::AgenticSession, security::Secret};

/// The audience of tokens that are for the gateway alone.
pub const AUDIENCE: &str = "ambient-gateway";
/// How long an answer of the API server holds.
const HOLDS: Duration = Duration::from_secs(10);
/// How many answers of a kind are kept at most.
const MOST: usize = 8192;
/// How long the API server may take.
const PATIENCE: Duration = Duration::from_secs(10);

type Digested = [u8; 32];

/// What somebody wants to do. The objects are of our group.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Right {
    pub(super) verb: &'static str,
    pub(super) resource: &'static str,
    pub(super) subresource: Option<&'static str>,
    pub(super) namespace: String,
    /// Empty: of all names.
    pub(super) name: String,
}

impl Right {
    /// Reading the events of a session; an empty name stands for all sessions of the namespace.
    pub(super) fn read(namespace: &str, session: &str) -> Self {
        Self {
            verb: "get",
            resource: "agenticsessions",
            subresource: Some("events"),
            namespace: namespace.to_owned(),
            name: session.to_owned(),
        }
    }

    /// Starting Runs.
    pub(super) fn start(namespace: &str) -> Self {
        Self {
            verb: "create",
            resource: "runs",
            subresource: None,
            namespace: namespace.to_owned(),
            name: String::new(),
        }
    }

    /// Cancelling a Run.
    pub(super) fn cancel(namespace: &str, run: &str) -> Self {
        Self {
            verb: "patch",
            resource: "runs",
            subresource: None,
            namespace: namespace.to_owned(),
            name: run.to_owned(),
        }
    }

    fn attributes(&self) -> ResourceAttributes {
        ResourceAttributes {
            verb: Some(self.verb.to_owned()),
            group: Some(AgenticSession::group(&()).into_owned()),
            resource: Some(self.resource.to_owned()),
            subresource: self.subresource.map(str::to_owned),
            namespace: Some(self.namespace.clone()),
            name: (!self.name.is_empty()).then(|| self.name.clone()),
            ..ResourceAttributes::default()
        }
    }
}

/// A person or program that the API server knows.
#[derive(Debug, Clone)]
pub(super) struct Caller {
    user: Arc<UserInfo>,
    token: Secret,
    digest: Digested,
}

impl Caller {
    /// The name by which the cluster knows them.
    pub(super) fn name(&self) -> &str {
        self.user.username.as_deref().unwrap_or_default()
    }
}

/// Asks the API server.
pub(super) struct Access {
    client: Client,
    callers: Kept<Digested, Option<Arc<UserInfo>>>,
    rights: Kept<(Digested, Right), bool>,
}

impl Access {
    pub(super) fn new(client: Client) -> Self {
        Self { client, callers: Kept::new(HOLDS, MOST), rights: Kept::new(HOLDS, MOST) }
    }

    /// Who sends a request.
    pub(super) async fn caller(&self, headers: &HeaderMap) -> Result<Caller, GatewayError> {
        let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let token = given.and_then(bearer).ok_or(GatewayError::Unauthorized("there is no token"))?;
        self.identify(Secret::from(token)).await
    }

    async fn identify(&self, token: Secret) -> Result<Caller, GatewayError> {
        let digest: Digested = Sha256::digest(token.expose().as_bytes()).into();
        let user = self.callers.get(digest, Box::pin(within(self.review(&token)))).await?;
        let user = user.ok_or(GatewayError::Unauthorized("the cluster does not know the token, or it has expired"))?;
        Ok(Caller { user, token, digest })
    }

    /// A token for the gateway alone comes first; one for the API server is taken as well.
    async fn review(&self, token: &Secret) -> Result<Option<Arc<UserInfo>>, kube::Error> {
        match self.review_for(token, Some(AUDIENCE)).await? {
            Some(user) => Ok(Some(user)),
            None => self.review_for(token, None).await,
        }
    }

    async fn review_for(&self, token: &Secret, audience: Option<&str>) -> Result<Option<Arc<UserInfo>>, kube::Error> {
        let spec = TokenReviewSpec {
            token: Some(token.expose().to_owned()),
            audiences: audience.map(|audience| vec![audience.to_owned()]),
        };
        let review = TokenReview { spec, ..TokenReview::default() };
        let reviewed = Api::<TokenReview>::all(self.client.clone()).create(&PostParams::default(), &review).await?;
        let status = reviewed.status.unwrap_or_default();
        // An authenticator that knows no audiences names none: then the token was not checked for ours.
        let ours = |audience: &str| status.audiences.iter().flatten().any(|given| given == audience);
        let known = status.authenticated == Some(true) && audience.is_none_or(ours);
        Ok(status.user.filter(|user| known && user.username.is_some()).map(Arc::new))
    }

    /// As if the time that answers hold had passed.
    #[cfg(test)]
    pub(super) fn forget(&self) {
        self.callers.clear();
        self.rights.clear();
    }

    /// Whether the caller may.
    pub(super) async fn may(&self, caller: &Caller, right: &Right) -> Result<bool, GatewayError> {
        self.rights.get((caller.digest, right.clone()), Box::pin(within(self.ask(caller, right)))).await
    }

    async fn ask(&self, caller: &Caller, right: &Right) -> Result<bool, kube::Error> {
        let spec = SubjectAccessReviewSpec {
            user: caller.user.username.clone(),
            groups: caller.user.groups.clone(),
            uid: caller.user.uid.clone(),
            extra: caller.user.extra.clone(),
            resource_attributes: Some(right.attributes()),
            ..SubjectAccessReviewSpec::default()
        };
        let review = SubjectAccessReview { spec, ..SubjectAccessReview::default() };
        let reviews: Api<SubjectAccessReview> = Api::all(self.client.clone());
        let status = reviews.create(&PostParams::default(), &review).await?.status.unwrap_or_default();
        Ok(status.allowed && status.denied != Some(true))
    }

    /// Resolves when somebody who reads may read no more: the token has ended, or the right was taken away. An API server
    /// that does not answer takes nothing away for `grace`.
    pub(super) async fn revoked(self: Arc<Self>, caller: Caller, right: Right, every: Duration, grace: Duration) {
        let mut sure = tokio::time::Instant::now();
        loop {
            tokio::time::sleep(every).await;
            let still = match self.identify(caller.token.clone()).await {
                Ok(caller) => self.may(&caller, &right).await,
                Err(GatewayError::Unauthorized(_)) => Ok(false),
                Err(error) => Err(error),
            };
            match still {
                Ok(true) => sure = tokio::time::Instant::now(),
                Ok(false) => return,
                Err(_) if sure.elapsed() > grace => return,
                Err(_) => {}
            }
        }
    }
}

async fn within<T>(ask: impl Future<Output = Result<T, kube::Error>>) -> Result<T, GatewayError> {
    match tokio::time::timeout(PATIENCE, ask).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(error)) => {
            tracing::warn!(%error, "the API server did not say who somebody is or what they may");
            Err(GatewayError::Unavailable)
        }
        Err(_) => Err(GatewayError::Unavailable),
    }
}

/// The token of `Bearer TOKEN`.
fn bearer(header: &str) -> Option<&str> {
    let (scheme, token) = header.split_once(' ')?;
    Some(token.trim()).filter(|token| scheme.eq_ignore_ascii_case("bearer") && !token.is_empty())
}
