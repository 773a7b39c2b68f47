//! `ProjectSettings`: defaults of the sessions of one namespace.

#![expect(unreachable_pub, reason = "the KubeSchema derive copies `pub` structs into functions")]

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{defaults, rules, session::McpServers};

/// The name of the only `ProjectSettings` object of a namespace.
pub const NAME: &str = "projectsettings";

/// Defaults of the sessions of one namespace. There is one, named `projectsettings`.
#[allow(clippy::duplicated_attributes, reason = "printer columns have types of their own")]
#[derive(CustomResource, KubeSchema, Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[kube(
    group = "vteam.ambient-code",
    version = "v1alpha1",
    kind = "ProjectSettings",
    plural = "projectsettings",
    singular = "projectsetting",
    shortname = "ps",
    category = "ambient",
    namespaced,
    status = "ProjectSettingsStatus",
    derive = "PartialEq",
    doc = "Defaults of the sessions of one namespace. There is one object, named projectsettings.",
    validation = rules::SETTINGS_NAME.rule(),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
pub struct ProjectSettingsSpec {
    /// Who may do what in the namespace; each entry becomes a `RoleBinding`.
    pub group_access: Vec<GroupAccess>,
    /// Kept from the original, which ignores it: the name of the Secret is always ambient-runner-secrets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runner_secrets_name: Option<String>,
    /// Repositories of the project, for user interfaces to offer.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub repositories: Vec<ProjectRepository>,
    /// After how many seconds without activity a session stops that does not say so itself; 0: never.
    #[serde(default = "defaults::inactivity_timeout_seconds")]
    #[schemars(range(min = 0))]
    pub inactivity_timeout_seconds: i64,
    /// MCP servers of every session of the namespace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mcp_servers: Option<McpServers>,
}

/// What a group may do in the namespace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GroupAccess {
    /// The group's name.
    pub group_name: String,
    /// What its members may do.
    pub role: Role,
}

/// What members of a group may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Everything in the project.
    Admin,
    /// Create and change sessions.
    Edit,
    /// Look at sessions.
    View,
}

/// A repository of the project.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ProjectRepository {
    /// The clone URL.
    pub url: String,
    /// The branch to use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branch: Option<String>,
    /// Who hosts it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<Provider>,
}

/// Who hosts a repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Provider {
    /// GitHub.
    Github,
    /// GitLab.
    Gitlab,
}

/// What is observed about the settings.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProjectSettingsStatus {
    /// How many `RoleBinding`s exist for groupAccess.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub group_bindings_created: Option<i64>,
    /// Whether scheduled sessions may be created.
    #[serde(default, rename = "scheduledSessionRBACReady", skip_serializing_if = "Option::is_none")]
    pub scheduled_session_rbac_ready: Option<bool>,
    /// Whether the namespace's `LimitRange` exists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit_range_ready: Option<bool>,
    /// The generation of the spec that this status is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// Whether everything is as the settings ask for, and what was refused.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["type".into()]))]
    pub conditions: Vec<Condition>,
}
