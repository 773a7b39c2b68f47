//! Which sub-agents a run has had: an id stands for one invocation, and a parent comes before its children.

use std::collections::HashSet;

use super::Rule;
use crate::agui::{Event, EventKind, Id};

#[derive(Debug, Clone, Default)]
pub(super) struct Subagents(HashSet<Id>);

impl Subagents {
    pub(super) fn check(&self, event: &Event) -> Result<(), Rule> {
        let EventKind::SubagentStarted { parent_subagent_run_id: parent, .. } = &event.kind else {
            return Ok(());
        };
        if let Some(again) = event.subagent_run_id.as_ref().filter(|id| self.0.contains(*id)) {
            return Err(Rule::SubagentReused(again.clone()));
        }
        match parent {
            Some(parent) if !self.0.contains(parent) => Err(Rule::UnknownParent(parent.clone())),
            Some(_) | None => Ok(()),
        }
    }

    pub(super) fn record(&mut self, event: &Event) {
        if let (EventKind::SubagentStarted { .. }, Some(id)) = (&event.kind, &event.subagent_run_id) {
            self.0.insert(id.clone());
        }
    }
}
