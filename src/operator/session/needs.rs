//! What a session waits for before it gets a pod: a pod that lacks it could not work. Pure.

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::ResourceExt;

use super::{
    claim,
    inputs::{KEYS, Shared, Template},
    plan::Saying,
    template::{self, TemplateError},
    view::View,
};
use crate::{
    api::{
        conditions::{Aspect, READY, Status},
        outcome::OutcomeReason,
        session::RunnerType,
    },
    operator::config::Config,
};

/// Whether every Secret that the pod cannot do without is there; a type of the original.
const SECRETS_READY: &str = "SecretsReady";

/// What is missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Need {
    /// One word for machines; the original's where it has one.
    pub(super) reason: &'static str,
    /// What is missing and what to do.
    pub(super) message: String,
}

/// The first thing that is missing for the session's pod.
pub(super) fn missing(view: &View, config: &Config) -> Option<Need> {
    secret(view, config).or_else(|| template_need(view)).or_else(|| claim::in_the_way(view))
}

fn secret(view: &View, config: &Config) -> Option<Need> {
    if config.platform.vertex.is_some() {
        let name = Shared::Vertex.secret();
        return (!view.inputs.has(Shared::Vertex)).then(|| Need {
            reason: "VertexSecretMissing",
            message: format!(
                "The Secret {name} is missing in the operator's namespace {}: create it, and the session goes on by itself.",
                config.namespace
            ),
        });
    }
    let needs = needs_keys(view) && !view.inputs.keys;
    needs.then(|| Need {
        reason: "RunnerSecretMissing",
        message: format!(
            "The Secret {KEYS} is missing in namespace {}: create it with the key ANTHROPIC_API_KEY, and the session goes on \
             by itself.",
            view.namespace()
        ),
    })
}

/// A recording is played without a provider.
pub(super) fn needs_keys(view: &View) -> bool {
    view.session.spec.runner_type() != Ok(RunnerType::Replay)
}

fn template_need(view: &View) -> Option<Need> {
    match &view.inputs.template {
        Template::None => None,
        Template::Missing(name) => Some(Need {
            reason: "PodTemplateMissing",
            message: format!(
                "The session's annotation names the pod template {name}, and there is no such ConfigMap with the label \
                 ambient-code.io/pod-template."
            ),
        }),
        Template::Given(map) => template_error(map, view).map(|error| Need {
            reason: "PodTemplateRefused",
            message: format!("The pod template {} is refused: {error}", map.name_any()),
        }),
    }
}

fn template_error(map: &ConfigMap, view: &View) -> Option<TemplateError> {
    match template::parse(map) {
        Ok(parsed) => template::conflict(&parsed, &view.session),
        Err(error) => Some(error),
    }
}

/// What is said meanwhile, and until when.
pub(super) fn waiting(
    need: Need,
    view: &View,
    starts: bool,
    config: &Config,
    now: Timestamp,
) -> (Saying, Option<Timestamp>) {
    let since = if starts { now } else { since(view).unwrap_or(now) };
    let limit = SignedDuration::try_from(config.deadlines.inputs).unwrap_or(SignedDuration::MAX);
    let deadline = since.checked_add(limit).unwrap_or(Timestamp::MAX);
    if deadline <= now {
        let message = format!("It could not start in time. {}", need.message);
        return (Saying::Failed { reason: OutcomeReason::SetupFailed, message }, None);
    }
    (Saying::Creating { reason: need.reason.to_owned(), message: need.message }, Some(deadline))
}

/// When the session began to be without a runner; nothing when its status does not say so yet.
fn since(view: &View) -> Option<Timestamp> {
    let status = view.status();
    let ready = status.conditions.iter().find(|condition| condition.type_ == READY)?;
    let unready = (ready.status != "True").then_some(ready.last_transition_time.0)?;
    status.start_time.as_ref().map(|time| time.0).into_iter().chain([unready]).max()
}

/// What the condition about Secrets says.
#[derive(Debug)]
pub(super) struct Secrets(Option<Need>);

impl Secrets {
    pub(super) fn of(view: &View, config: &Config) -> Self {
        Self(secret(view, config))
    }

    pub(super) fn aspect(&self) -> Aspect<'_> {
        let (status, reason, message) = match &self.0 {
            Some(need) => (Status::False, need.reason, need.message.as_str()),
            None => (Status::True, "AllRequiredSecretsFound", ""),
        };
        Aspect { kind: SECRETS_READY, status, reason, message }
    }
}
