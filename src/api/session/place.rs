//! Where a session works: what its containers may use, which nodes take it, and where its workspace is kept.

#![expect(unreachable_pub, reason = "the KubeSchema derive copies `pub` structs into functions")]

use std::{collections::BTreeMap, fmt};

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::api::rules;

/// An amount in Kubernetes' form, e.g. `500m`, `2`, `10Gi`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Quantity {
    /// A whole number, as YAML has it without quotes.
    Number(i64),
    /// Everything else.
    Text(String),
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::Text(text) => text.fmt(f),
        }
    }
}

/// What a container asks for, and what it may use at most.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Resources {
    /// What the node must have free, by name, e.g. `{cpu: 500m, memory: 1Gi}`. A name that is left out keeps the operator's default.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "rules::quantities")]
    pub requests: BTreeMap<String, Quantity>,
    /// What it may use at most, by name. A name that is left out keeps the operator's default.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "rules::quantities")]
    pub limits: BTreeMap<String, Quantity>,
}

/// A taint of nodes that keeps the session's pod away from none of them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = rules::TOLERATION.rule())]
pub struct Toleration {
    /// The taint's key; absent: every taint, with the operator Exists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Equal (the default): the taint has this value. Exists: it has any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operator: Option<TolerationOperator>,
    /// The taint's value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// The taint's effect; absent: every effect.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effect: Option<TaintEffect>,
    /// For how many seconds a taint of effect `NoExecute` is tolerated; absent: for ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub toleration_seconds: Option<i64>,
}

/// How a toleration is compared with a taint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum TolerationOperator {
    /// Any value.
    Exists,
    /// This value.
    Equal,
}

/// What a taint does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum TaintEffect {
    /// No new pods.
    NoSchedule,
    /// No new pods, where there is another node.
    PreferNoSchedule,
    /// No pods.
    NoExecute,
}

/// Where the workspace is kept.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = rules::STORAGE_CLASS.rule())]
pub struct WorkspaceSpec {
    /// How much the workspace may hold; 10Gi if it is left out. A volume keeps the size that it was made with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "rules::quantity")]
    pub size: Option<Quantity>,
    /// The storage class of the `PersistentVolume`; absent: the cluster's default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub storage_class_name: Option<String>,
    /// Ephemeral: workspace, conversation and event log go with the pod. `PersistentVolume`: they stay when the session stops,
    /// and go with the session.
    #[serde(default)]
    pub persistence: Persistence,
}

/// How long a workspace is kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Persistence {
    /// As long as the pod.
    #[default]
    Ephemeral,
    /// As long as the session, on a volume of its own.
    PersistentVolume,
}
