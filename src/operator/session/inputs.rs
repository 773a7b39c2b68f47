//! What a session's pod depends on beside the session, and what the operator knows of it. Plain data.

use std::{borrow::Cow, sync::Arc};

use k8s_openapi::api::core::v1::{ConfigMap, PersistentVolumeClaim, Pod, Secret};
use kube::ResourceExt;

use super::view::View;
use crate::operator::{
    config::Config,
    registry::{Entry, Selected},
};

/// The Secret with the provider's keys; the runner needs it unless the provider is Vertex AI.
pub(in crate::operator) const KEYS: &str = "ambient-runner-secrets";
/// The `ConfigMap` with certificate authorities, and its key.
pub(in crate::operator) const BUNDLE: &str = "trusted-ca-bundle";
/// See [`BUNDLE`].
pub(in crate::operator) const BUNDLE_KEY: &str = "ca-bundle.crt";
/// The `ConfigMap` with the namespace's pod template, and its key.
pub(in crate::operator) const TEMPLATE: &str = "ambient-pod-template";
/// See [`TEMPLATE`].
pub(in crate::operator) const TEMPLATE_KEY: &str = "pod.yaml";
/// The label that says of a `ConfigMap` that it holds a pod template, and the session's annotation that names another one than
/// [`TEMPLATE`].
pub(in crate::operator) const TEMPLATE_LABEL: &str = "ambient-code.io/pod-template";

/// The label of a pod with its runner's port: the registry may say another one by now.
pub(super) const PORT_LABEL: &str = "ambient-code.io/runner-port";

/// A Secret of the operator's namespace that sessions get a copy of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::operator) enum Shared {
    /// Credentials for Vertex AI.
    Vertex,
    /// Where traces go: Langfuse.
    Langfuse,
    /// Where traces go: `MLflow`.
    Mlflow,
}

impl Shared {
    /// The Secrets that sessions get with these settings.
    pub(in crate::operator) fn wanted(config: &Config) -> Vec<Self> {
        let platform = &config.platform;
        let all = [
            (Self::Vertex, platform.vertex.is_some()),
            (Self::Langfuse, platform.langfuse),
            (Self::Mlflow, platform.mlflow),
        ];
        all.into_iter().filter_map(|(shared, is_on)| is_on.then_some(shared)).collect()
    }

    /// The Secret's name in the operator's namespace; the original's.
    pub(in crate::operator) const fn secret(self) -> &'static str {
        match self {
            Self::Vertex => "ambient-vertex",
            Self::Langfuse => "ambient-admin-langfuse-secret",
            Self::Mlflow => "ambient-admin-mlflow-observability-secret",
        }
    }
}

/// A Secret that the session gets a copy of.
#[derive(Debug, Clone)]
pub(in crate::operator) struct Copied {
    /// Which.
    pub(in crate::operator) shared: Shared,
    /// As it is in the operator's namespace.
    pub(in crate::operator) original: Option<Arc<Secret>>,
    /// The session's own.
    pub(in crate::operator) copy: Option<Arc<Secret>>,
}

/// The pod template that a session is to have.
#[derive(Debug, Clone, Default)]
pub(in crate::operator) enum Template {
    /// None.
    #[default]
    None,
    /// This one.
    Given(Arc<ConfigMap>),
    /// The session names one that is not there.
    Missing(String),
}

/// What a session's pod depends on beside the session.
#[derive(Debug, Clone, Default)]
pub(in crate::operator) struct Inputs {
    /// Whether the namespace has the Secret [`KEYS`].
    pub(in crate::operator) keys: bool,
    /// Whether the namespace has a CA bundle.
    pub(in crate::operator) bundle: bool,
    /// The pod template.
    pub(in crate::operator) template: Template,
    /// The claim of the workspace.
    pub(in crate::operator) claim: Option<Arc<PersistentVolumeClaim>>,
    /// The Secrets of the platform.
    pub(in crate::operator) copied: Vec<Copied>,
    /// What the registry says about the session's runner.
    pub(in crate::operator) runner: Selected,
    /// What Vertex AI calls the session's model.
    pub(in crate::operator) vertex_model: Option<String>,
}

impl Inputs {
    /// The entry of the session's runner.
    pub(super) fn entry(&self) -> &Entry {
        &self.runner.entry
    }

    /// Whether the session has a copy of the Secret, or gets one.
    pub(super) fn has(&self, shared: Shared) -> bool {
        self.copied.iter().any(|copied| copied.shared == shared && copied.original.is_some())
    }
}

impl View {
    /// The operator's settings as the registry changes them for this session. A pod keeps the port that it was made with.
    pub(in crate::operator) fn settings<'a>(&self, config: &'a Config) -> Cow<'a, Config> {
        let container = &self.inputs.entry().container;
        let port = self.pod.as_deref().and_then(port).or(container.port).unwrap_or(config.port);
        if container.image.is_none() && port == config.port {
            return Cow::Borrowed(config);
        }
        let runner_image = container.image.clone().unwrap_or_else(|| config.runner_image.clone());
        Cow::Owned(Config { runner_image, port, ..config.clone() })
    }
}

/// The port that a pod's runner listens on, if the pod says so.
pub(in crate::operator) fn port(pod: &Pod) -> Option<u16> {
    pod.labels().get(PORT_LABEL)?.parse().ok()
}
