//! Sessions: from an `AgenticSession` to its pod, and from the pod to the session's status.

pub(super) mod drift;
pub(super) mod drift_task;
pub(super) mod evidence;
pub(super) mod inputs;
pub(super) mod leaving;
pub(super) mod objects;
pub(super) mod plan;
pub(super) mod view;
pub(super) mod wish;

mod adopt;
#[cfg(test)]
mod asked_tests;
mod claim;
mod copies;
#[cfg(test)]
mod drift_tests;
mod env;
mod needs;
mod platform;
mod pod;
mod resources;
pub(super) mod status;
mod template;
#[cfg(test)]
pub(super) mod tests;
#[cfg(test)]
mod tests_inputs;
#[cfg(test)]
mod tests_pod;
mod tools;
mod volumes;

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{ConfigMap, PersistentVolumeClaim, Pod, Secret, ServiceAccount};
use k8s_openapi::api::networking::v1::NetworkPolicy;
use kube::{
    Api, ResourceExt,
    api::{Patch, PatchParams},
    runtime::controller::Action,
};
use serde_json::json;

use self::{
    plan::{Plan, Saying, Step, plan},
    pod::Parts,
    template::TemplateError,
    view::View,
    wish::{DESIRED_PHASE, FORCE_PROMPT, STOP_REASON},
};
use super::{
    apply::{self, MANAGER, called},
    context::{Context, look},
    error::OperatorError,
    release, retire,
    run::first,
    write,
};
use crate::api::{AgenticSession, AgenticSessionStatus, McpServers, outcome::OutcomeReason};

/// When what the API server refused is tried again.
const REFUSED_AGAIN: Duration = Duration::from_mins(2);

/// Brings a session a step further.
pub(super) async fn reconcile(session: Arc<AgenticSession>, context: Arc<Context>) -> Result<Action, OperatorError> {
    if !context.projects.is_ours(&context.config, &session.namespace().unwrap_or_default()) {
        return Ok(Action::await_change());
    }
    let view = context.view(session);
    if view.session.metadata.deletion_timestamp.is_some() {
        // Everything has an owner reference.
        context.drifts.forget(&view.session);
        return Ok(Action::await_change());
    }
    context.listen(&view);
    context.tell_nonsense(&view.session);
    let now = Timestamp::now();
    let mut plan = plan(&view, &context.config, now);
    let refused = match carry_out(&view, &plan, &context).await {
        Err(OperatorError::Refused { object, message }) => {
            plan.saying = refused(&object, &message);
            Some(REFUSED_AGAIN)
        }
        other => other.map(|()| None)?,
    };
    let session = Arc::clone(&view.session);
    if !write_status(&session, &mut plan, &context, now).await? {
        return Ok(Action::requeue(Duration::ZERO));
    }
    if refused.is_none() && plan.steps.contains(&Step::ClearRequest) {
        clear_request(&session, &context).await?;
    }
    // The runner hears only of what is written down, and what it has said is in there.
    let written = View { told: view.told, ..context.view(session) };
    if plan.saying == Saying::Running {
        plan.wake = plan.wake.into_iter().chain(drift_task::go_on(&written, &context, now)).min();
    }
    plan.wake = plan.wake.into_iter().chain(retire::session(&written, &plan, &context, now).await?).min();
    Ok(next(&plan, refused, now))
}

fn refused(object: &str, message: &str) -> Saying {
    let message = format!("{object} was refused: {message}");
    Saying::Failed { reason: OutcomeReason::SetupFailed, message }
}

fn next(plan: &Plan, refused: Option<Duration>, now: Timestamp) -> Action {
    let wake = plan.wake.map(|wake| Duration::try_from(wake.duration_since(now)).unwrap_or_default());
    wake.into_iter().chain(refused).min().map_or_else(Action::await_change, Action::requeue)
}

async fn carry_out(view: &View, plan: &Plan, context: &Context) -> Result<(), OperatorError> {
    let mut session = Arc::clone(&view.session);
    for step in &plan.steps {
        match step {
            Step::Provide if plan.steps.contains(&Step::CreatePod) => {
                // The pod first: until it has a node, what it mounts has come, and the kubelet waits for it anyway.
                let begun = begin(view, context).await;
                let place = context.pods_first.others().await;
                provide_rest(view, context).await?;
                drop(place);
                begun?;
            }
            Step::Provide => {
                tokio::try_join!(provide_first(view, context), provide_rest(view, context), supply(view, context))?;
            }
            Step::CreatePod if plan.steps.contains(&Step::Provide) => {}
            Step::CreatePod => create_pod(view, context).await?,
            Step::DeletePod => delete_pod(view, context).await?,
            Step::ReleasePod => release_pod(view, context).await?,
            Step::CreateFirstRun => first::create(&view.session, context).await?,
            Step::CreatePromptRun => first::create_again(&session, context).await?,
            Step::ClearForce => session = clear(&session, &[FORCE_PROMPT], context).await?,
            // When the status says so.
            Step::ClearRequest => {}
        }
    }
    Ok(())
}

/// The pod, as soon as it may be.
async fn begin(view: &View, context: &Context) -> Result<(), OperatorError> {
    let _first = context.pods_first.begin().await;
    provide_first(view, context).await?;
    supply(view, context).await?;
    create_pod(view, context).await
}

/// What is to be there before the pod: the API server wants its account, and nobody is to reach it who may not.
async fn provide_first(view: &View, context: &Context) -> Result<(), OperatorError> {
    let (account, policy) = (objects::account(&view.session), objects::policy(&view.namespace(), &context.config));
    let (account, policy): (Option<ServiceAccount>, Option<NetworkPolicy>) = tokio::try_join!(
        apply::ensure_same(&context.client, &account, view.account.as_deref()),
        apply::ensure(&context.client, &policy, view.policy.as_deref()),
    )?;
    context.children.remember(account, None, None);
    context.children.remember_policy(policy);
    Ok(())
}

/// Everything else.
async fn provide_rest(view: &View, context: &Context) -> Result<(), OperatorError> {
    let (session, client) = (&view.session, &context.client);
    let token = context.token(view);
    let (secret, service) = tokio::try_join!(adopt::token(view, &token, context), adopt::service(view, context))?;
    context.children.remember(None, secret, service);
    if let Some(files) = objects::files(session) {
        let files: Option<ConfigMap> = apply::ensure(client, &files, view.files.as_deref()).await?;
        context.children.remember_files(files);
    }
    Ok(())
}

async fn create_pod(view: &View, context: &Context) -> Result<(), OperatorError> {
    let project: Option<McpServers> = context.project_servers(&view.namespace());
    let config = view.settings(&context.config);
    let parts = Parts { session: &view.session, project: project.as_ref(), inputs: &view.inputs, config: &config };
    let mut pod = parts.pod().map_err(|error| refused_template(view, &error))?;
    if let Some(first) = context.history.first_seq(&view.session.uid().unwrap_or_default())? {
        pod::begin_at(&mut pod, first);
    }
    if let Some(created) = write::create(&context.client, &pod).await? {
        context.pods.remember(created);
    }
    Ok(())
}

/// What comes from elsewhere: copies of the platform's Secrets, and the workspace's volume.
async fn supply(view: &View, context: &Context) -> Result<(), OperatorError> {
    let client = &context.client;
    for copied in &view.inputs.copied {
        if let Some(copy) = copies::copy(&view.session, copied) {
            let copy: Option<Secret> = apply::ensure(client, &copy, copied.copy.as_deref()).await?;
            context.children.remember(None, copy, None);
        }
    }
    match claim::claim(&view.session, &view.inputs).filter(|_| view.inputs.claim.is_none()) {
        // A claim of somebody's own with this name is used as it is, and stays.
        Some(claim) => write::create::<PersistentVolumeClaim>(client, &claim).await.map(|_| ()),
        None => Ok(()),
    }
}

fn refused_template(view: &View, error: &TemplateError) -> OperatorError {
    OperatorError::Refused {
        object: called::<Pod>(&view.namespace(), &view.session.name_any()),
        message: error.to_string(),
    }
}

async fn release_pod(view: &View, context: &Context) -> Result<(), OperatorError> {
    match view.pod.as_deref().filter(|_| view.owns_pod()) {
        Some(pod) => release::release(&context.client, pod).await,
        None => Ok(()),
    }
}

async fn delete_pod(view: &View, context: &Context) -> Result<(), OperatorError> {
    match view.pod.as_deref().filter(|_| view.owns_pod()) {
        Some(pod) => apply::delete_pod(&context.client, pod).await,
        None => Ok(()),
    }
}

/// Removes a request that has acted. Not before the status says so: whoever reads neither would do the opposite.
async fn clear_request(asked: &AgenticSession, context: &Context) -> Result<(), OperatorError> {
    let (namespace, name) = (asked.namespace().unwrap_or_default(), asked.name_any());
    match look(&context.stores.sessions, &context.sessions, &namespace, &name) {
        Some(newest) if wish::is_same(asked, &newest) => {
            clear(&newest, &[DESIRED_PHASE, STOP_REASON], context).await.map(drop)
        }
        Some(_) | None => Ok(()),
    }
}

/// Removes what has acted, and nothing else: somebody may have asked for something else meanwhile.
async fn clear(
    session: &AgenticSession,
    annotations: &[&str],
    context: &Context,
) -> Result<Arc<AgenticSession>, OperatorError> {
    let (namespace, name) = (session.namespace().unwrap_or_default(), session.name_any());
    let api = Api::<AgenticSession>::namespaced(context.client.clone(), &namespace);
    let annotations: serde_json::Map<String, serde_json::Value> =
        annotations.iter().map(|name| ((*name).to_owned(), serde_json::Value::Null)).collect();
    let patch = json!({ "metadata": {
        "resourceVersion": session.resource_version(),
        "annotations": annotations,
    }});
    let params = PatchParams { field_manager: Some(MANAGER.to_owned()), ..PatchParams::default() };
    let patched = api.patch(&name, &params, &Patch::Merge(&patch)).await;
    let object = called::<AgenticSession>(&namespace, &name);
    Ok(context.sessions.remember(patched.map_err(|error| OperatorError::of(object, error))?))
}

/// Writes what is to be said of the session, if that is something new. False, and nothing is written, if somebody wants something
/// else of the session by now: then it is decided anew.
async fn write_status(
    decided: &Arc<AgenticSession>,
    plan: &mut Plan,
    context: &Context,
    now: Timestamp,
) -> Result<bool, OperatorError> {
    let view = context.view(Arc::clone(decided));
    if said(&view, plan, context, now).is_none() {
        return Ok(true);
    }
    let _place = context.pods_first.others().await;
    let view = context.view(view.session);
    if !wish::is_same(decided, &view.session) {
        return Ok(false);
    }
    plan.catch_up(plan::plan(&view, &context.config, now));
    if let Some(status) = said(&view, plan, context, now) {
        let written = write::session_status(&context.client, &view.session, &status).await?;
        let written = context.sessions.remember(written);
        context.tell_session(view.status(), &written);
    }
    Ok(true)
}

/// The status, if it differs from the one that is there.
fn said(view: &View, plan: &Plan, context: &Context, now: Timestamp) -> Option<AgenticSessionStatus> {
    let status = status::status(view, &plan.saying, plan.starts, &context.config, now);
    (Some(&status) != view.session.status.as_ref()).then_some(status)
}
