//! The resources of group `vteam.ambient-code`, version `v1alpha1`, and everything about them that needs no IO:
//! validation, defaults, names, conditions, outcomes, and reading manifests. Laptop and cluster share it.

pub mod conditions;
pub mod crds;
pub mod defaults;
pub mod limits;
pub mod manifest;
pub mod names;
pub mod object;
pub mod outcome;
pub mod path;
pub mod rules;
pub mod run;
pub mod session;
pub mod settings;
pub mod validate;

/// The API group of all resources.
pub const GROUP: &str = "vteam.ambient-code";
/// The version of the API group.
pub const VERSION: &str = "v1alpha1";
/// The `apiVersion` of all resources.
pub const API_VERSION: &str = "vteam.ambient-code/v1alpha1";

pub use run::{Run, RunSpec, RunStatus};
pub use session::{AgenticSession, AgenticSessionSpec, AgenticSessionStatus, McpServers};
pub use settings::{ProjectSettings, ProjectSettingsSpec, ProjectSettingsStatus};
