//! Everything that a decision about a Run rests on. Plain data.

use std::sync::Arc;

use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;

use crate::api::{AgenticSession, Run, RunStatus};

/// A Run and what it depends on.
#[derive(Debug, Clone)]
pub(in crate::operator) struct View {
    pub(in crate::operator) run: Arc<Run>,
    pub(in crate::operator) session: Option<Arc<AgenticSession>>,
    /// All Runs of the session in no particular order, this one among them.
    pub(in crate::operator) all: Vec<Arc<Run>>,
    /// The session's pod.
    pub(in crate::operator) pod: Option<Arc<Pod>>,
    /// What the runner says of it.
    pub(in crate::operator) seen: Seen,
}

/// What following a Run has brought so far.
#[derive(Debug, Clone, Default, PartialEq)]
pub(in crate::operator) enum Seen {
    /// Nothing yet.
    #[default]
    Nothing,
    /// The runner does not take it, for this reason.
    Refused(String),
    /// The runner could not be reached, though its pod was there.
    Unreachable,
    /// Its events so far, folded.
    Events(Box<RunStatus>),
}

impl View {
    /// The status as it is.
    pub(super) fn status(&self) -> RunStatus {
        self.run.status.clone().unwrap_or_default()
    }

    /// The pod that the Run was given to, while it is there.
    pub(super) fn own_pod(&self) -> Option<&Arc<Pod>> {
        let uid = self.run.status.as_ref()?.runner.as_ref().map(|runner| runner.uid.as_str());
        self.pod.as_ref().filter(|pod| pod.uid().as_deref() == uid)
    }
}
