//! What the status of settings says. Pure.

use jiff::Timestamp;

use crate::api::{
    ProjectSettings, ProjectSettingsStatus,
    conditions::{self, Aspect, Status},
};

/// What is there of what the settings ask for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Done {
    /// Bindings of groups.
    pub(super) bindings: usize,
    /// Whether scheduled sessions can be started.
    pub(super) trigger: bool,
    /// Whether containers have default limits.
    pub(super) limits: bool,
    /// What was refused, in the API server's words.
    pub(super) refused: Vec<String>,
}

/// The status that follows; none when it stays as it is.
pub(super) fn status(settings: &ProjectSettings, done: &Done, now: Timestamp) -> Option<ProjectSettingsStatus> {
    let before = settings.status.clone().unwrap_or_default();
    let mut conditions = before.conditions.clone();
    let message = done.refused.join(" ");
    let good = done.refused.is_empty();
    let reason = if good { "Reconciled" } else { "Refused" };
    let ready = Aspect { kind: conditions::READY, status: Status::from(good), reason, message: &message };
    conditions::upsert(&mut conditions, ready, settings.metadata.generation, now);
    let status = ProjectSettingsStatus {
        group_bindings_created: i64::try_from(done.bindings).ok(),
        scheduled_session_rbac_ready: Some(done.trigger),
        limit_range_ready: Some(done.limits),
        observed_generation: settings.metadata.generation,
        conditions,
    };
    (settings.status.as_ref() != Some(&status)).then_some(status)
}
