//! Rules of where a session works.

use std::collections::BTreeMap;

use super::{Findings, Violation, text};
use crate::api::{
    AgenticSessionSpec,
    path::FieldPath,
    rules,
    session::{Persistence, Quantity, Resources, Toleration, TolerationOperator, WorkspaceSpec},
};

pub(super) fn place(spec: &AgenticSessionSpec, at: &FieldPath, findings: &mut Findings) {
    if let Some(runner) = &spec.runner {
        let at = at.key("runner");
        resources(runner.resources.as_ref(), &at.key("resources"), findings);
        tolerations(&runner.tolerations, &at.key("tolerations"), findings);
    }
    let agent = spec.agent.as_ref().and_then(|agent| agent.resources.as_ref());
    resources(agent, &at.key("agent").key("resources"), findings);
    if let Some(workspace) = &spec.workspace {
        self::workspace(workspace, &at.key("workspace"), findings);
    }
}

fn resources(resources: Option<&Resources>, at: &FieldPath, findings: &mut Findings) {
    let Some(resources) = resources else { return };
    for (name, amounts) in [("requests", &resources.requests), ("limits", &resources.limits)] {
        self::amounts(amounts, &at.key(name), findings);
    }
}

fn amounts(amounts: &BTreeMap<String, Quantity>, at: &FieldPath, findings: &mut Findings) {
    for (name, amount) in amounts {
        quantity(amount, &at.key(name), findings);
    }
}

fn quantity(amount: &Quantity, at: &FieldPath, findings: &mut Findings) {
    let amount = amount.to_string();
    findings.check(text::is_quantity(&amount), || Violation::new(at.clone(), text::QUANTITY).found(&amount));
}

fn tolerations(tolerations: &[Toleration], at: &FieldPath, findings: &mut Findings) {
    for (position, toleration) in tolerations.iter().enumerate() {
        let good = toleration.key.is_some() || toleration.operator == Some(TolerationOperator::Exists);
        findings.check(good, || Violation::new(at.index(position), rules::TOLERATION.message));
    }
}

fn workspace(workspace: &WorkspaceSpec, at: &FieldPath, findings: &mut Findings) {
    if let Some(size) = &workspace.size {
        quantity(size, &at.key("size"), findings);
    }
    let good = workspace.storage_class_name.is_none() || workspace.persistence == Persistence::PersistentVolume;
    findings.check(good, || Violation::new(at.clone(), rules::STORAGE_CLASS.message));
}
