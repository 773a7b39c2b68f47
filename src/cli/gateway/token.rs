//! The token that a person is known by: the kubeconfig's own, or, where that has a client certificate only, one that the API
//! server makes for a `ServiceAccount` and that is good for the gateway alone.
//!
//! A client certificate cannot be handed on, so the gateway sees the `ServiceAccount` and not the person. By default it is the
//! one that the manifests give to administrators: whoever may ask for its token may ask for the operator's as well.

use std::sync::Arc;

use k8s_openapi::api::{
    authentication::v1::{TokenRequest, TokenRequestSpec},
    core::v1::ServiceAccount,
};
use kube::{
    Api, Client, Config,
    api::PostParams,
    client::{Body, ConfigExt},
};
use tokio::sync::Mutex;
use tower::{Layer, ServiceExt, service_fn};

use super::GatewayError;
use crate::{operator::gateway::AUDIENCE, security::Secret};

/// How long a token is good, in seconds: the shortest that there is. A long stream asks for another one when it resumes.
const SECONDS: i64 = 3600;

/// Gives tokens.
pub(super) struct Tokens {
    config: Config,
    client: Client,
    account: (String, String),
    made: Mutex<Option<(Secret, tokio::time::Instant)>>,
}

impl Tokens {
    pub(super) fn new(config: Config, client: Client, account: &str, namespace: &str) -> Self {
        let (namespace, name) = account.split_once('/').unwrap_or((namespace, account));
        Self { config, client, account: (namespace.to_owned(), name.to_owned()), made: Mutex::default() }
    }

    /// A token that is good now.
    pub(super) async fn get(&self) -> Result<Secret, GatewayError> {
        match self.own().await? {
            Some(token) => Ok(token),
            None => self.of_account().await,
        }
    }

    /// What kubectl would send, wherever the kubeconfig has it from: a token, a file, a program.
    async fn own(&self) -> Result<Option<Secret>, GatewayError> {
        let failed = |error: &dyn std::fmt::Display| GatewayError::Cluster(error.to_string());
        let Some(layer) = self.config.auth_layer().map_err(|error| failed(&error))? else {
            return Ok(None);
        };
        let sent: Arc<std::sync::Mutex<Option<String>>> = Arc::default();
        let kept = Arc::clone(&sent);
        let service = layer.layer(service_fn(move |request: hyper::Request<Body>| {
            let header = request.headers().get(hyper::header::AUTHORIZATION).and_then(|value| value.to_str().ok());
            let token = header.and_then(|header| header.strip_prefix("Bearer ")).map(str::to_owned);
            *kept.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = token;
            std::future::ready(Ok::<_, tower::BoxError>(hyper::Response::new(Body::empty())))
        }));
        service.oneshot(hyper::Request::new(Body::empty())).await.map_err(|error| failed(&error))?;
        let token = sent.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take();
        Ok(token.map(Secret::from))
    }

    async fn of_account(&self) -> Result<Secret, GatewayError> {
        let mut made = self.made.lock().await;
        let now = tokio::time::Instant::now();
        if let Some((token, until)) = made.as_ref().filter(|(_, until)| *until > now) {
            let _ = until;
            return Ok(token.clone());
        }
        let (namespace, name) = &self.account;
        let spec = TokenRequestSpec {
            audiences: vec![AUDIENCE.to_owned()],
            expiration_seconds: Some(SECONDS),
            ..TokenRequestSpec::default()
        };
        let wanted = TokenRequest { spec, ..TokenRequest::default() };
        let accounts: Api<ServiceAccount> = Api::namespaced(self.client.clone(), namespace);
        let given = accounts.create_token_request(name, &PostParams::default(), &wanted).await.map_err(|error| {
            GatewayError::Denied(format!(
                "the kubeconfig has no token, and none was given for ServiceAccount {namespace}/{name}: {error}; name another \
                 one with --as-service-account"
            ))
        })?;
        let token = Secret::from(given.status.map(|status| status.token).unwrap_or_default());
        *made = Some((token.clone(), now + std::time::Duration::from_secs(SECONDS.unsigned_abs() / 2)));
        Ok(token)
    }
}
