//! The volume that a workspace is kept on. Pure.

use k8s_openapi::api::core::v1::PersistentVolumeClaim;
use kube::ResourceExt;
use serde_json::{Value, json};

use super::{evidence::Waits, inputs::Inputs, needs::Need, objects, view::View};
use crate::api::{
    AgenticSession, names,
    outcome::OutcomeReason,
    session::{Persistence, WorkspaceSpec},
};

/// How much a workspace may hold that says nothing about it; the original's.
const SIZE: &str = "10Gi";

/// How much the workspace may hold.
pub(super) fn size(session: &AgenticSession, inputs: &Inputs) -> String {
    let own = session.spec.workspace.as_ref().and_then(|workspace| workspace.size.as_ref());
    own.or(inputs.entry().sandbox.workspace_size.as_ref()).map_or_else(|| SIZE.to_owned(), ToString::to_string)
}

/// Whether the workspace is kept on a volume.
pub(super) fn is_kept(session: &AgenticSession) -> bool {
    let workspace = session.spec.workspace.as_ref();
    workspace.is_some_and(|workspace| workspace.persistence == Persistence::PersistentVolume)
}

/// The claim of a workspace that is kept. Whatever of the session is to stay is on this one volume, each below a path of its own.
pub(super) fn claim(session: &AgenticSession, inputs: &Inputs) -> Option<Value> {
    let workspace: &WorkspaceSpec = session.spec.workspace.as_ref().filter(|_| is_kept(session))?;
    let name = session.name_any();
    let mut claim = json!({
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {
            "name": names::workspace(&name),
            "namespace": session.namespace(),
            "labels": { "app": "ambient-code", names::SESSION_LABEL: names::session_label(&name) },
            "ownerReferences": [objects::owner(session)],
        },
        "spec": {
            // One pod at a time, and it is the old one's end that makes the next one.
            "accessModes": ["ReadWriteOnce"],
            "resources": { "requests": { "storage": size(session, inputs) } },
        },
    });
    if let Some(class) = &workspace.storage_class_name {
        claim["spec"]["storageClassName"] = json!(class);
    }
    Some(claim)
}

/// A claim of the session's name that goes, or is another session's: what is on it is not this session's.
pub(super) fn in_the_way(view: &View) -> Option<Need> {
    let claim = view.inputs.claim.as_deref().filter(|_| is_kept(&view.session))?;
    let uid = view.session.uid();
    let ours = claim.owner_references().iter().any(|owner| Some(&owner.uid) == uid.as_ref());
    if ours && claim.metadata.deletion_timestamp.is_none() {
        return None;
    }
    let message = format!(
        "The PersistentVolumeClaim {} is of an earlier session, or being deleted. It is waited for until it is gone.",
        claim.name_any()
    );
    Some(Need { reason: "VolumeLeaving", message })
}

/// What a pod without a node waits for: its volume, where that is the reason.
pub(super) fn waits(view: &View, waits: Waits) -> Waits {
    let unbound = view.inputs.claim.as_deref().filter(|claim| is_kept(&view.session) && !is_bound(claim));
    let Some(claim) = unbound.filter(|_| waits.would_be == OutcomeReason::Unschedulable) else {
        return waits;
    };
    let class = claim.spec.as_ref().and_then(|spec| spec.storage_class_name.as_deref());
    let class = class.map_or_else(
        || "the cluster's default storage class (is there one?)".to_owned(),
        |class| format!("storage class {class}"),
    );
    let message = format!("The claim {} has no volume of {class} yet. {}", claim.name_any(), waits.message);
    Waits { would_be: OutcomeReason::SetupFailed, reason: "VolumePending".to_owned(), message }
}

fn is_bound(claim: &PersistentVolumeClaim) -> bool {
    claim.status.as_ref().and_then(|status| status.phase.as_deref()) == Some("Bound")
}
