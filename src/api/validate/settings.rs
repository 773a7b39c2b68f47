//! Rules of `ProjectSettings`.

use super::{Findings, Violation};
use crate::api::{ProjectSettings, limits::json_len, path::FieldPath, rules, settings::NAME};

/// Every rule that the settings break.
#[must_use]
pub fn settings(settings: &ProjectSettings) -> Vec<Violation> {
    let mut findings = Findings::default();
    let name = settings.metadata.name.as_deref();
    findings.object(name, json_len(&settings.spec));
    findings.check(name.is_none_or(|name| name == NAME), || {
        Violation::new(FieldPath::of(&["metadata", "name"]), rules::SETTINGS_NAME.message)
    });
    findings.0
}
