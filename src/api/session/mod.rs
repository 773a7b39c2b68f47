//! `AgenticSession`: a workspace with an agent in it.

#![expect(unreachable_pub, reason = "the KubeSchema derive copies `pub` structs into functions")]

mod agent;
mod place;
mod sources;
mod status;

use std::collections::BTreeMap;

use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use agent::{AgentSpec, PermissionMode, ReplaySpec, RunnerSpec, RunnerType, UnknownRunner};
pub use place::{Persistence, Quantity, Resources, TaintEffect, Toleration, TolerationOperator, WorkspaceSpec};
pub use sources::{FileSpec, RepoSpec, WorkflowSpec};
pub use status::{
    AgenticSessionStatus, ReconciledRepo, ReconciledWorkflow, RepoStatus, RunCounts, SessionPhase, WorkflowStatus,
};

use super::{defaults, rules};

/// A workspace with a coding agent in it. Runs do the work: `initialPrompt` becomes the first one, and every `Run` that
/// names the session is a further turn of the same conversation.
#[allow(clippy::duplicated_attributes, reason = "printer columns have types of their own")]
#[derive(CustomResource, KubeSchema, Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[kube(
    group = "vteam.ambient-code",
    version = "v1alpha1",
    kind = "AgenticSession",
    plural = "agenticsessions",
    singular = "agenticsession",
    shortname = "as",
    category = "ambient",
    namespaced,
    status = "AgenticSessionStatus",
    derive = "PartialEq",
    doc = "A workspace with a coding agent in it. Runs do the work: initialPrompt becomes the first one, and every Run \
           that names the session is a further turn of the same conversation.",
    printcolumn(name = "Phase", type_ = "string", json_path = ".status.phase"),
    printcolumn(name = "Active Run", type_ = "string", json_path = ".status.activeRun"),
    printcolumn(name = "Runs", type_ = "integer", json_path = ".status.runs.total"),
    printcolumn(name = "OK", type_ = "integer", json_path = ".status.runs.succeeded"),
    printcolumn(name = "Failed", type_ = "integer", json_path = ".status.runs.failed"),
    printcolumn(name = "Model", type_ = "string", json_path = ".spec.llmSettings.model"),
    printcolumn(name = "Cost USD", type_ = "number", json_path = ".status.usage.costUsd"),
    printcolumn(name = "Idle", type_ = "date", json_path = ".status.lastActivityTime"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    printcolumn(
        name = "Message",
        type_ = "string",
        json_path = r#".status.conditions[?(@.type=="Ready")].message"#,
        priority = 1
    )
)]
pub struct AgenticSessionSpec {
    /// Git repositories that are cloned into /workspace/repos before the first run.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 100))]
    pub repos: Vec<RepoSpec>,
    /// The name of the repository that the agent works in; default: the first one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub main_repo: Option<String>,
    /// Small text files that are written below /workspace before the first run, so that an example needs no git server.
    /// A file that exists already is left alone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    pub files: Vec<FileSpec>,
    /// What the agent is told first. It becomes the Run `<session>-initial`, once for the life of the session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub initial_prompt: Option<String>,
    /// A name for people; shown by user interfaces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// The person who created the session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_context: Option<UserContext>,
    /// The model and its settings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub llm_settings: Option<LlmSettings>,
    /// Seconds; handed on to the runner as TIMEOUT, as the original does, and ends nothing. The limit that is enforced is
    /// activeDeadlineSeconds.
    #[serde(default = "defaults::handed_on_timeout")]
    pub timeout: i64,
    /// How many seconds the session may be active, counted from its last start. Then its run ends with the reason
    /// `DeadlineExceeded` and the session stops. Absent: no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub active_deadline_seconds: Option<i64>,
    /// After how many seconds without activity the session stops; 0: never. Absent: the `ProjectSettings` decide, else 24 h.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub inactivity_timeout: Option<i64>,
    /// Whether the session stops when its run is finished.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop_on_run_finished: Option<bool>,
    /// More environment variables for the runner and the agent. Not for secrets: whoever can read the session reads them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub environment_variables: BTreeMap<String, String>,
    /// Stopped: the session stops, and its Runs wait. Running or absent: it is up, but for a stop by inactivity, which the next
    /// Run ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub desired_state: Option<DesiredState>,
    /// MCP servers that give the agent more tools.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mcp_servers: Option<McpServers>,
    /// The workflow repository that the agent follows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub active_workflow: Option<WorkflowSpec>,
    /// How many seconds after its end the session is deleted, with everything that belongs to it: after it has completed or failed,
    /// or was stopped by stopOnRunFinished or activeDeadlineSeconds. Absent: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub ttl_seconds_after_finished: Option<i64>,
    /// Which runner drives the session. Absent: the environment variable `RUNNER_TYPE` decides, else claude-agent-sdk.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runner: Option<RunnerSpec>,
    /// What the agent may do and how it is instructed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<AgentSpec>,
    /// Where the workspace is kept, in a cluster. Absent: with the pod.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workspace: Option<WorkspaceSpec>,
}

/// What is wanted of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum DesiredState {
    /// It is up.
    Running,
    /// It has no pod.
    Stopped,
}

/// Who created a session.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct UserContext {
    /// The person's id in the platform.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
    /// The person's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// The groups the person belongs to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<String>,
}

/// The model and its settings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LlmSettings {
    /// The provider's name of the model.
    #[serde(default = "defaults::model")]
    pub model: String,
    /// The sampling temperature, for runners that can set it. The Claude CLI manages its own.
    #[serde(default = "defaults::temperature")]
    pub temperature: f64,
    /// The most tokens of one answer, for runners that can set it. The Claude CLI manages its own.
    #[serde(default = "defaults::max_tokens")]
    pub max_tokens: i64,
}

impl Default for LlmSettings {
    fn default() -> Self {
        Self { model: defaults::model(), temperature: defaults::temperature(), max_tokens: defaults::max_tokens() }
    }
}

/// MCP servers of a session or of a project.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct McpServers {
    /// Servers by name, each in the form of an `.mcp.json` file (command, args and env, or type, url and headers).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "rules::map_of_open_objects")]
    pub custom: BTreeMap<String, Value>,
    /// Names of built-in servers that are switched off.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub disabled: Vec<String>,
}
