//! What to grant and what to revoke. Pure.

use std::sync::Arc;

use k8s_openapi::api::rbac::v1::RoleBinding;
use kube::ResourceExt;
use serde_json::Value;

use super::objects;
use crate::api::ProjectSettings;

/// One thing to do about a binding.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Step {
    /// It is not there.
    Create(Value),
    /// It is there, and may not be as it is to be.
    Keep(Value, Arc<RoleBinding>),
    /// It is not to be there, or has another role, which cannot be changed.
    Delete(Arc<RoleBinding>),
}

/// What `groupAccess` asks for, against the labelled bindings of the namespace. What is revoked goes first.
pub(super) fn steps(settings: &ProjectSettings, seen: &[Arc<RoleBinding>]) -> Vec<Step> {
    let wanted = wanted(settings);
    let is_wanted = |binding: &RoleBinding| {
        wanted.iter().any(|wanted| {
            wanted["metadata"]["name"] == *binding.name_any() && wanted["roleRef"]["name"] == *binding.role_ref.name
        })
    };
    let (kept, others): (Vec<_>, Vec<_>) = seen.iter().partition(|binding| is_wanted(binding));
    let deleted = others.into_iter().filter(|binding| objects::is_grant(binding)).cloned().map(Step::Delete);
    let granted =
        wanted.iter().map(|wanted| match kept.iter().find(|kept| wanted["metadata"]["name"] == *kept.name_any()) {
            Some(kept) => Step::Keep(wanted.clone(), Arc::clone(kept)),
            None => Step::Create(wanted.clone()),
        });
    deleted.chain(granted).collect()
}

/// Every group once with each of its roles.
fn wanted(settings: &ProjectSettings) -> Vec<Value> {
    let mut wanted: Vec<Value> = Vec::new();
    for access in settings.spec.group_access.iter().filter(|access| !access.group_name.is_empty()) {
        let binding = objects::binding(settings, access);
        if !wanted.contains(&binding) {
            wanted.push(binding);
        }
    }
    wanted
}
