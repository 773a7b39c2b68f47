//! Everything that a decision about a session rests on. Plain data.

use std::sync::Arc;

use k8s_openapi::api::{
    core::v1::{ConfigMap, Pod, Secret, Service, ServiceAccount},
    networking::v1::NetworkPolicy,
};
use kube::ResourceExt;

use super::drift_task::Told;
use super::inputs::Inputs;
use crate::api::{AgenticSession, AgenticSessionStatus, Run};

/// A session and what belongs to it, as far as it is known.
#[derive(Debug, Clone)]
pub(in crate::operator) struct View {
    pub(in crate::operator) session: Arc<AgenticSession>,
    pub(in crate::operator) account: Option<Arc<ServiceAccount>>,
    pub(in crate::operator) token: Option<Arc<Secret>>,
    pub(in crate::operator) service: Option<Arc<Service>>,
    pub(in crate::operator) files: Option<Arc<ConfigMap>>,
    /// The namespace's, of all sessions.
    pub(in crate::operator) policy: Option<Arc<NetworkPolicy>>,
    pub(in crate::operator) pod: Option<Arc<Pod>>,
    /// The session's Runs in no particular order.
    pub(in crate::operator) runs: Vec<Arc<Run>>,
    /// The inactivity timeout of the `ProjectSettings`, in seconds.
    pub(in crate::operator) project_inactivity: Option<i64>,
    /// What the pod depends on beside all this.
    pub(in crate::operator) inputs: Inputs,
    /// What the runner was told of changes of the workspace.
    pub(in crate::operator) told: Told,
}

impl View {
    /// The status as it is.
    pub(in crate::operator) fn status(&self) -> &AgenticSessionStatus {
        static NONE: std::sync::LazyLock<AgenticSessionStatus> =
            std::sync::LazyLock::new(AgenticSessionStatus::default);
        self.session.status.as_ref().unwrap_or(&NONE)
    }

    pub(super) fn namespace(&self) -> String {
        self.session.namespace().unwrap_or_default()
    }

    /// Whether the pod of the session's name is of this very session.
    pub(in crate::operator) fn owns_pod(&self) -> bool {
        let uid = self.session.uid();
        self.pod.as_ref().is_none_or(|pod| pod.owner_references().iter().any(|owner| Some(&owner.uid) == uid.as_ref()))
    }
}
