//! What the operator (or `ambient run`) writes about a session.

#![expect(unreachable_pub, reason = "the KubeSchema derive copies `pub` structs into functions")]

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::api::run::Usage;

/// What is observed about a session.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct AgenticSessionStatus {
    /// Where the session is in its life; a summary of the conditions.
    #[serde(default)]
    pub phase: SessionPhase,
    /// The generation of the spec that this status is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// When the session was started last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_time: Option<Time>,
    /// When the session ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completion_time: Option<Time>,
    /// When something happened last in the session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_activity_time: Option<Time>,
    /// Why the session was stopped: user or inactivity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopped_reason: Option<String>,
    /// The Run that is at work.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub active_run: Option<String>,
    /// How many Runs the session has had.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runs: Option<RunCounts>,
    /// What all Runs of the session used together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    /// Where the session's AG-UI server listens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// The repositories as they are in the workspace.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reconciled_repos: Vec<ReconciledRepo>,
    /// The UID of the pod that reconciledRepos and reconciledWorkflow are about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reconciled_pod: Option<String>,
    /// The workflow as it is in the workspace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reconciled_workflow: Option<ReconciledWorkflow>,
    /// The agent's own id of the conversation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sdk_session_id: Option<String>,
    /// How many times the agent's process was started again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sdk_restart_count: Option<i64>,
    /// The state of the session, aspect by aspect.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["type".into()]))]
    pub conditions: Vec<Condition>,
}

/// Where a session is in its life.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum SessionPhase {
    /// Nothing is created yet.
    #[default]
    Pending,
    /// The workspace and the agent are being set up.
    Creating,
    /// The session takes Runs.
    Running,
    /// The session is being stopped.
    Stopping,
    /// The session is stopped and can be resumed.
    Stopped,
    /// The runner ended by itself.
    Completed,
    /// The session cannot go on.
    Failed,
}

/// How many Runs a session has had.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RunCounts {
    /// All Runs.
    #[serde(default)]
    pub total: u32,
    /// Runs that succeeded.
    #[serde(default)]
    pub succeeded: u32,
    /// Runs that failed.
    #[serde(default)]
    pub failed: u32,
}

/// A repository as it is in the workspace.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReconciledRepo {
    /// The clone URL.
    #[serde(default)]
    pub url: String,
    /// The name of its folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Kept from the original; use currentActiveBranch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branch: Option<String>,
    /// The branches of the clone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub branches: Vec<String>,
    /// The branch that is checked out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current_active_branch: Option<String>,
    /// The remote's default branch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_branch: Option<String>,
    /// Whether the clone is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<RepoStatus>,
    /// When the repository was cloned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cloned_at: Option<Time>,
}

/// Whether a clone is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum RepoStatus {
    /// It is being cloned.
    Cloning,
    /// It is there.
    Ready,
    /// It could not be cloned.
    Failed,
}

/// A workflow as it is in the workspace.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReconciledWorkflow {
    /// The clone URL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub git_url: Option<String>,
    /// The branch that is checked out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branch: Option<String>,
    /// The folder of the workflow inside its repository.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Whether the workflow is followed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<WorkflowStatus>,
    /// When the workflow was applied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub applied_at: Option<Time>,
}

/// Whether a workflow is followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum WorkflowStatus {
    /// It is being cloned.
    Cloning,
    /// The agent follows it.
    Active,
    /// It could not be cloned.
    Failed,
}
