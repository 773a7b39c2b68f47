//! `ProjectSettings`: who may do what in a project, what scheduled sessions need, and default limits.

pub(super) mod objects;
pub(super) mod stores;

mod plan;
mod status;
#[cfg(test)]
mod tests;

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use k8s_openapi::api::{
    core::v1::LimitRange,
    rbac::v1::{Role, RoleBinding},
};
use kube::{
    Api, Resource, ResourceExt,
    runtime::{
        controller::Action,
        reflector::{ObjectRef, Store},
    },
};
use serde_json::{Value, json};

use self::{plan::Step, status::Done, stores::Project};
use super::{
    apply::{self, Owned, called},
    context::{Context, look},
    error::OperatorError,
    lean::Lean,
    write,
    written::Written,
};
use crate::api::{API_VERSION, ProjectSettings, settings::NAME};

impl Owned for RoleBinding {}
impl Owned for Role {}

/// When what the API server refused is tried again.
const REFUSED_AGAIN: Duration = Duration::from_mins(2);

/// Gives a namespace that is a project its settings, if it lacks them.
pub(super) async fn reconcile_namespace(
    namespace: Arc<Project>,
    context: Arc<Context>,
) -> Result<Action, OperatorError> {
    let name = namespace.name_any();
    let config = &context.config;
    let is_there = context.stores.settings.get(&ObjectRef::new(NAME).within(&name)).is_some();
    let ends = namespace.metadata.deletion_timestamp.is_some();
    if config.policy.create_settings && config.watches(&name) && !is_there && !ends {
        let settings = json!({
            "apiVersion": API_VERSION,
            "kind": ProjectSettings::kind(&()),
            "metadata": { "name": NAME, "namespace": name },
            "spec": { "groupAccess": [] },
        });
        write::create::<ProjectSettings>(&context.client, &settings).await?;
    }
    Ok(Action::await_change())
}

/// Brings what the settings ask for into being, takes away what they ask for no more, and says so.
pub(super) async fn reconcile(settings: Arc<ProjectSettings>, context: Arc<Context>) -> Result<Action, OperatorError> {
    let namespace = settings.namespace().unwrap_or_default();
    let settings =
        look(&context.stores.settings, &context.settings, &namespace, &settings.name_any()).unwrap_or(settings);
    let ends = settings.metadata.deletion_timestamp.is_some();
    if ends || settings.name_any() != NAME || !context.projects.is_ours(&context.config, &namespace) {
        return Ok(Action::await_change());
    }
    let mut done = Done::default();
    groups(&settings, &context, &mut done).await?;
    done.trigger = refusable(trigger(&settings, &context).await, &mut done)?;
    done.limits = refusable(limits(&settings, &context).await, &mut done)?;
    write_status(&settings, &done, &context).await?;
    Ok(if done.refused.is_empty() { Action::await_change() } else { Action::requeue(REFUSED_AGAIN) })
}

/// What is refused is said, and keeps nothing else from being done.
fn refusable(result: Result<(), OperatorError>, done: &mut Done) -> Result<bool, OperatorError> {
    match result {
        Ok(()) => Ok(true),
        Err(OperatorError::Refused { object, message }) => {
            done.refused.push(format!("{object} was refused: {message}"));
            Ok(false)
        }
        Err(error @ (OperatorError::Retry { .. } | OperatorError::Store(_))) => Err(error),
    }
}

async fn groups(settings: &ProjectSettings, context: &Context, done: &mut Done) -> Result<(), OperatorError> {
    let namespace = settings.namespace().unwrap_or_default();
    let projects = &context.projects;
    let seen: Vec<Arc<RoleBinding>> = projects
        .bindings
        .state_filter(|binding| binding.metadata.namespace.as_deref() == Some(&*namespace))
        .iter()
        .filter_map(|binding| look(&projects.bindings, &projects.written.bindings, &namespace, &binding.name_any()))
        .collect();
    for step in plan::steps(settings, &seen) {
        let is_grant = !matches!(step, Step::Delete(_));
        let carried_out = refusable(group(step, context).await, done)?;
        done.bindings += usize::from(carried_out && is_grant);
    }
    Ok(())
}

async fn group(step: Step, context: &Context) -> Result<(), OperatorError> {
    let written = &context.projects.written.bindings;
    match step {
        Step::Delete(binding) => write::delete(&context.client, &*binding).await,
        Step::Keep(wanted, seen) => {
            let applied = apply::ensure(&context.client, &wanted, Some(&*seen)).await?;
            applied.map(|applied| written.remember(applied));
            Ok(())
        }
        Step::Create(wanted) => match write::create(&context.client, &wanted).await? {
            Some(created) => {
                written.remember(created);
                Ok(())
            }
            None => same(&wanted, context).await,
        },
    }
}

/// A binding of the wanted name is there that the watch has not shown: ours, a moment old, or somebody's own, which is left alone.
async fn same(wanted: &Value, context: &Context) -> Result<(), OperatorError> {
    let text = |key: &str| wanted["metadata"][key].as_str().unwrap_or_default();
    let (namespace, name) = (text("namespace"), text("name"));
    let object = called::<RoleBinding>(namespace, name);
    let api = Api::<RoleBinding>::namespaced(context.client.clone(), namespace);
    let seen = api.get(name).await.map_err(|error| OperatorError::of(object.clone(), error))?;
    let gives = |key: &str| serde_json::to_value(&seen).is_ok_and(|seen| apply::holds(&seen[key], &wanted[key]));
    if gives("roleRef") && gives("subjects") {
        return Ok(());
    }
    let message = "one of this name is there that is not the operator's; delete or rename it".to_owned();
    Err(OperatorError::Refused { object, message })
}

/// What the backend's `CronJobs` run as.
async fn trigger(settings: &ProjectSettings, context: &Context) -> Result<(), OperatorError> {
    let (projects, written) = (&context.projects, &context.projects.written);
    keep(&objects::account(settings), &projects.accounts, &written.accounts, context).await?;
    keep(&objects::role(settings), &projects.roles, &written.roles, context).await?;
    keep(&objects::trigger_binding(settings), &projects.bindings, &written.bindings, context).await
}

async fn keep<K: Owned + Lean + 'static>(
    wanted: &Value,
    store: &Store<K>,
    written: &Written<K>,
    context: &Context,
) -> Result<(), OperatorError> {
    let text = |key: &str| wanted["metadata"][key].as_str().unwrap_or_default();
    let seen = look(store, written, text("namespace"), text("name"));
    let applied = apply::ensure(&context.client, wanted, seen.as_deref()).await?;
    applied.map(|applied| written.remember(applied));
    Ok(())
}

/// Limits that are there are left as they are: somebody may have chosen others.
async fn limits(settings: &ProjectSettings, context: &Context) -> Result<(), OperatorError> {
    let (projects, namespace) = (&context.projects, settings.namespace().unwrap_or_default());
    if look(&projects.limits, &projects.written.limits, &namespace, objects::LIMITS).is_none() {
        let created = write::create::<LimitRange>(&context.client, &objects::limits(settings)).await?;
        created.map(|created| projects.written.limits.remember(created));
    }
    Ok(())
}

async fn write_status(settings: &ProjectSettings, done: &Done, context: &Context) -> Result<(), OperatorError> {
    let Some(status) = status::status(settings, done, Timestamp::now()) else {
        return Ok(());
    };
    let settings = ProjectSettings { status: Some(status), ..settings.clone() };
    let written = write::status(&context.client, &settings).await?;
    context.settings.remember(written);
    Ok(())
}
