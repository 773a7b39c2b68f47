//! What an operator is told when it starts.

use std::{path::PathBuf, time::Duration};

use super::archive::Bucket;

/// The settings of an operator.
#[derive(Debug, Clone)]
pub struct Config {
    /// The namespaces whose objects are reconciled; none: all.
    pub watch_namespaces: Vec<String>,
    /// The platform backend's namespace. Its pods may reach runners, and runners are told its address.
    pub backend_namespace: Option<String>,
    /// The operator's own namespace. Its pods may reach runners.
    pub namespace: String,
    /// Leader election, and what this one is called in it; none: it reconciles at once.
    pub leader_elect: Option<String>,
    /// The image of the runner and of what sets up the workspace.
    pub runner_image: String,
    /// The image that the agent runs in.
    pub agent_image: String,
    /// `imagePullPolicy` of both.
    pub pull_policy: String,
    /// The port of a runner.
    pub port: u16,
    /// After how long without activity a session stops that says nothing about it; zero: never.
    pub inactivity: Duration,
    /// The directory with what sessions have done; with a bucket only what is not there yet must be in it.
    pub event_store: PathBuf,
    /// Where that is kept beyond this machine; none: the directory is all there is.
    pub event_bucket: Option<Bucket>,
    /// For how long that is kept after a session; none: for ever.
    pub event_retention: Option<Duration>,
    /// How long things may take.
    pub deadlines: Deadlines,
    /// What the platform has for all sessions.
    pub platform: Platform,
    /// Which projects are whose, and what is kept.
    pub policy: Policy,
}

impl Config {
    /// Whether a namespace is among those that are watched.
    #[must_use]
    pub fn watches(&self, namespace: &str) -> bool {
        self.watch_namespaces.is_empty() || self.watch_namespaces.iter().any(|watched| watched == namespace)
    }
}

/// Which projects are whose, and what is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// Only what is in namespaces with the label `ambient-code.io/managed=true` is reconciled; the original's rule.
    pub managed_only: bool,
    /// Namespaces with that label get empty settings when they have none.
    pub create_settings: bool,
    /// How many finished Runs of a session are kept; none: all.
    pub keep_runs: Option<usize>,
}

impl Policy {
    /// Whether the labels of namespaces matter.
    #[must_use]
    pub const fn knows_namespaces(&self) -> bool {
        self.managed_only || self.create_settings
    }
}

impl Default for Policy {
    fn default() -> Self {
        Self { managed_only: false, create_settings: true, keep_runs: Some(100) }
    }
}

/// What the platform has for all sessions; nothing by default.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Platform {
    /// Vertex AI, where it answers for models.
    pub vertex: Option<Vertex>,
    /// Whether traces go to Langfuse.
    pub langfuse: bool,
    /// Whether traces go to `MLflow`.
    pub mlflow: bool,
    /// The file with the runner registry; it need not be there.
    pub registry: PathBuf,
    /// The file with the list of models; it need not be there.
    pub models: PathBuf,
}

/// Where Vertex AI is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vertex {
    /// The region of Google's cloud.
    pub region: String,
    /// The project there.
    pub project: String,
    /// The path of the credentials' file in a session's containers, below `/app/vertex`.
    pub credentials: String,
}

/// How long things may take before they have failed. Each counts from the pod's creation unless said otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deadlines {
    /// Until the pod has a node.
    pub schedule: Duration,
    /// Until a pod with a node is ready: images, volumes, clones, the runner's start.
    pub start: Duration,
    /// How long a Run waits for a session that does not exist, from the Run's creation.
    pub session: Duration,
    /// How long a session waits for what its pod cannot do without: Secrets, a volume's name, a template.
    pub inputs: Duration,
    /// How long a pod that was told to end may take beyond its grace period until its node is asked about.
    pub end: Duration,
}

impl Default for Deadlines {
    fn default() -> Self {
        Self {
            schedule: Duration::from_mins(5),
            start: Duration::from_mins(15),
            session: Duration::from_mins(10),
            inputs: Duration::from_mins(10),
            end: Duration::from_secs(30),
        }
    }
}
