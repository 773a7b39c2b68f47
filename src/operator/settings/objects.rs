//! What settings own in their namespace, as it is to be. Pure.

use std::fmt::Write as _;

use k8s_openapi::api::rbac::v1::RoleBinding;
use kube::{Resource, ResourceExt};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::api::{
    API_VERSION, GROUP, ProjectSettings, names,
    settings::{GroupAccess, Role},
};

/// The label of what the operator keeps in a project, and of namespaces that are projects.
pub(in crate::operator) const MANAGED: &str = "ambient-code.io/managed";
/// The account that scheduled sessions are started by, its Role and its binding.
pub(in crate::operator) const TRIGGER: &str = "ambient-session-trigger";
/// The defaults for containers that name no limits.
pub(in crate::operator) const LIMITS: &str = "ambient-default-limits";

const RBAC: &str = "rbac.authorization.k8s.io";
const RBAC_VERSION: &str = "rbac.authorization.k8s.io/v1";

/// The `ClusterRole` of what a group may do.
pub(super) const fn cluster_role(role: Role) -> &'static str {
    match role {
        Role::Admin => "ambient-project-admin",
        Role::Edit => "ambient-project-edit",
        Role::View => "ambient-project-view",
    }
}

const fn word(role: Role) -> &'static str {
    match role {
        Role::Admin => "admin",
        Role::Edit => "edit",
        Role::View => "view",
    }
}

/// The name of a group's binding: `<group>-<role>` as in the original. What cannot be in a name, or is too long for one, is replaced
/// and told apart by a hash.
pub(super) fn binding_name(access: &GroupAccess) -> String {
    let suffix = word(access.role);
    let room = names::MAX_OBJECT_NAME - suffix.len() - 1;
    let group = &access.group_name;
    let is_good = |letter: char| !matches!(letter, '/' | '%') && !letter.is_whitespace() && !letter.is_control();
    if !group.is_empty() && group.len() <= room && group.chars().all(is_good) {
        return format!("{group}-{suffix}");
    }
    let good: String = group.chars().map(|letter| if is_good(letter) { letter } else { '-' }).collect();
    let digest = Sha256::digest(group.as_bytes());
    let hash = digest.iter().take(4).fold(String::new(), |mut hash, byte| {
        let _ = write!(hash, "{byte:02x}");
        hash
    });
    let start = &good[..good.floor_char_boundary(room - hash.len() - 1)];
    format!("{start}-{hash}-{suffix}")
}

/// Garbage collection takes away with the settings what they own.
fn metadata(settings: &ProjectSettings, name: &str) -> Value {
    json!({
        "name": name,
        "namespace": settings.namespace(),
        "labels": { MANAGED: "true" },
        "ownerReferences": [{
            "apiVersion": API_VERSION,
            "kind": ProjectSettings::kind(&()),
            "name": settings.name_any(),
            "uid": settings.uid(),
            "controller": true,
        }],
    })
}

/// What gives a group its role.
pub(super) fn binding(settings: &ProjectSettings, access: &GroupAccess) -> Value {
    json!({
        "apiVersion": RBAC_VERSION,
        "kind": "RoleBinding",
        "metadata": metadata(settings, &binding_name(access)),
        "roleRef": { "apiGroup": RBAC, "kind": "ClusterRole", "name": cluster_role(access.role) },
        "subjects": [{ "apiGroup": RBAC, "kind": "Group", "name": access.group_name }],
    })
}

/// Whether a labelled binding was made from `groupAccess`, by this operator or by the original, which knew no owner.
pub(super) fn is_grant(binding: &RoleBinding) -> bool {
    let roles = [Role::Admin, Role::Edit, Role::View];
    let role = roles.into_iter().find(|role| cluster_role(*role) == binding.role_ref.name);
    let Some(role) = role.filter(|_| binding.role_ref.kind == "ClusterRole") else {
        return false;
    };
    let owned = binding.owner_references().iter().any(|owner| owner.kind == ProjectSettings::kind(&()));
    let named = match binding.subjects.as_deref() {
        Some([only]) => {
            let access = GroupAccess { group_name: only.name.clone(), role };
            only.kind == "Group" && binding.name_any() == binding_name(&access)
        }
        _ => false,
    };
    owned || named
}

/// The account of the backend's `CronJobs`.
pub(super) fn account(settings: &ProjectSettings) -> Value {
    json!({ "apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata(settings, TRIGGER) })
}

/// What it may do.
pub(super) fn role(settings: &ProjectSettings) -> Value {
    json!({
        "apiVersion": RBAC_VERSION,
        "kind": "Role",
        "metadata": metadata(settings, TRIGGER),
        "rules": [{
            "apiGroups": [GROUP],
            "resources": ["agenticsessions"],
            "verbs": ["create", "get", "list", "update"],
        }],
    })
}

/// That it may.
pub(super) fn trigger_binding(settings: &ProjectSettings) -> Value {
    json!({
        "apiVersion": RBAC_VERSION,
        "kind": "RoleBinding",
        "metadata": metadata(settings, TRIGGER),
        "roleRef": { "apiGroup": RBAC, "kind": "Role", "name": TRIGGER },
        "subjects": [{ "kind": "ServiceAccount", "name": TRIGGER, "namespace": settings.namespace() }],
    })
}

/// The original's defaults for containers.
pub(super) fn limits(settings: &ProjectSettings) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "LimitRange",
        "metadata": metadata(settings, LIMITS),
        "spec": { "limits": [{
            "type": "Container",
            "defaultRequest": { "cpu": "250m", "memory": "256Mi" },
            "default": { "cpu": "2", "memory": "4Gi" },
        }] },
    })
}
