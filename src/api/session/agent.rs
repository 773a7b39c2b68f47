//! Which agent works in a session and what it may do.

#![expect(unreachable_pub, reason = "the KubeSchema derive copies `pub` structs into functions")]

use std::{collections::BTreeMap, str::FromStr};

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::place::{Resources, Toleration};
use crate::api::rules;

/// What drives the session.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = rules::REPLAY_SOURCE.rule())]
pub struct RunnerSpec {
    /// The kind of runner. claude-agent-sdk: the Claude CLI; replay: a recorded transcript, played again.
    #[serde(default, rename = "type")]
    pub kind: RunnerType,
    /// What the runner `replay` plays; only with that type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replay: Option<ReplaySpec>,
    /// What the runner's container asks for and may use. In a cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resources: Option<Resources>,
    /// The `RuntimeClass` of the session's pod, e.g. one of a sandbox. In a cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub runtime_class_name: Option<String>,
    /// Labels of the nodes that may take the session's pod. In a cluster.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub node_selector: BTreeMap<String, String>,
    /// Taints of nodes that may take the session's pod all the same. In a cluster.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32))]
    pub tolerations: Vec<Toleration>,
}

/// The kinds of runner.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RunnerType {
    /// The Claude CLI.
    #[default]
    ClaudeAgentSdk,
    /// A recorded transcript, played again with its timing; costs nothing.
    Replay,
}

impl RunnerType {
    /// Every kind of runner.
    pub const ALL: [Self; 2] = [Self::ClaudeAgentSdk, Self::Replay];

    /// The name in manifests and in `RUNNER_TYPE`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ClaudeAgentSdk => "claude-agent-sdk",
            Self::Replay => "replay",
        }
    }
}

/// A runner type that this version does not have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no runner {0:?}; use claude-agent-sdk or replay")]
pub struct UnknownRunner(pub String);

impl FromStr for RunnerType {
    type Err = UnknownRunner;

    fn from_str(name: &str) -> Result<Self, UnknownRunner> {
        let known = Self::ALL.into_iter().find(|kind| kind.as_str() == name);
        known.ok_or_else(|| UnknownRunner(name.to_owned()))
    }
}

/// What a replay plays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReplaySpec {
    /// The file of the recorded transcript. A relative path starts at the folder of the manifest.
    #[schemars(length(min = 1, max = 4096))]
    pub path: String,
}

/// What the agent may do and how it is instructed.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AgentSpec {
    /// What the agent may do without being allowed to. default: only reading, and what allowedTools names; acceptEdits:
    /// also changing files of the workspace; plan: only planning; bypassPermissions: everything; dontAsk: what is not
    /// allowed is refused without asking.
    #[serde(default)]
    pub permission_mode: PermissionMode,
    /// Tools that need no permission, e.g. `Read` or `Bash(git log:*)`. Absent: the runner's own list; empty: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allowed_tools: Option<Vec<String>>,
    /// Tools that are refused, whatever else allows them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub disallowed_tools: Vec<String>,
    /// Instructions that follow the agent's own system prompt and the description of the workspace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system_prompt: Option<String>,
    /// How many times the model may be asked in one run; more ends it with the reason `MaxTurns`. Absent: no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1_000_000))]
    pub max_turns: Option<u32>,
    /// A JSON Schema that the final answer of every run matches; a Run can set its own. The answer is then in
    /// status.structuredOutput of the Run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "rules::open_object")]
    pub output_schema: Option<Value>,
    /// The image that the agent works in, by tag or digest; absent: the operator's. It needs a glibc, `sh` and `git`; the agent CLI
    /// and what starts it are put beside it. In a cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 512))]
    pub image: Option<String>,
    /// What the agent's container asks for and may use. In a cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resources: Option<Resources>,
}

/// What an agent may do without being allowed to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum PermissionMode {
    /// Only reading, and what allowedTools names.
    Default,
    /// Also changing files of the workspace.
    #[default]
    AcceptEdits,
    /// Only planning.
    Plan,
    /// Everything.
    BypassPermissions,
    /// What is not allowed is refused without asking.
    DontAsk,
}
