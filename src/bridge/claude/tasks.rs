//! What the agent does beside its turn: sub-agents and background commands.

use std::collections::BTreeSet;

use serde_json::Value;

use super::wire::{list, text};

/// The tasks that are at work, by the CLI's ids.
#[derive(Debug, Default)]
pub(crate) struct Tasks {
    agents: BTreeSet<String>,
    background: BTreeSet<String>,
    /// Those that have been in the background, and of whose end nothing was heard.
    unheard: BTreeSet<String>,
    /// A sub-agent in the background has ended in this turn.
    reported: bool,
}

impl Tasks {
    /// Whether a system message is the first word of a background task's end. The CLI says it twice.
    pub(crate) fn is_news(&self, value: &Value) -> bool {
        is_end(value) && text(value, "task_id").is_some_and(|id| self.unheard.contains(id))
    }

    /// Reads a system message.
    pub(crate) fn observe(&mut self, value: &Value) {
        let id = text(value, "task_id").unwrap_or_default();
        match text(value, "subtype") {
            Some("task_started") if value["task_type"] == "local_agent" => {
                self.agents.insert(id.to_owned());
            }
            Some("task_notification" | "task_updated") if is_end(value) => self.ended(id),
            Some("background_tasks_changed") => {
                self.background =
                    list(value, "tasks").iter().filter_map(|task| text(task, "task_id")).map(str::to_owned).collect();
                self.unheard.extend(self.background.iter().cloned());
            }
            _ => {}
        }
    }

    fn ended(&mut self, id: &str) {
        self.unheard.remove(id);
        let was_agent = self.agents.remove(id);
        self.reported |= self.background.remove(id) && was_agent;
    }

    /// A sub-agent in the foreground cannot outlive its turn, whatever was said about it.
    pub(crate) fn turn_begins(&mut self) {
        self.reported = false;
        let background = &self.background;
        self.agents.retain(|id| background.contains(id));
    }

    /// Whether a sub-agent works, whose report the agent will go on with.
    pub(crate) fn agents_at_work(&self) -> bool {
        !self.agents.is_empty()
    }

    /// Whether the agent may have a report to go on with: one that came too late for the model call before.
    pub(crate) fn has_report(&self) -> bool {
        self.reported
    }

    /// Whether the process still does something.
    pub(crate) fn at_work(&self) -> bool {
        self.agents_at_work() || !self.background.is_empty()
    }
}

/// Whether a system message says that a task has ended.
pub(crate) fn is_end(value: &Value) -> bool {
    match text(value, "subtype") {
        Some("task_notification") => true,
        Some("task_updated") => {
            matches!(text(&value["patch"], "status"), Some("completed" | "failed" | "killed" | "stopped"))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn agent_that_ended(in_background: bool) -> Tasks {
        let mut tasks = Tasks::default();
        if in_background {
            tasks.observe(&json!({ "subtype": "background_tasks_changed", "tasks": [{ "task_id": "a" }] }));
        }
        tasks.observe(&json!({ "subtype": "task_started", "task_type": "local_agent", "task_id": "a" }));
        assert!(tasks.agents_at_work() && !tasks.has_report());
        tasks.observe(&json!({ "subtype": "task_updated", "task_id": "a", "patch": { "status": "completed" } }));
        tasks.observe(&json!({ "subtype": "task_notification", "task_id": "a" }));
        assert!(!tasks.at_work());
        tasks
    }

    #[test]
    fn the_report_of_a_background_agent_may_be_due_until_the_turn_is_over() {
        let mut tasks = agent_that_ended(true);
        assert!(tasks.has_report());
        tasks.turn_begins();
        assert!(!tasks.has_report());
    }

    #[test]
    fn the_report_of_a_foreground_agent_is_the_result_of_its_call() {
        assert!(!agent_that_ended(false).has_report());
    }

    #[test]
    fn the_end_of_a_background_task_is_news_once() {
        let updated = json!({ "subtype": "task_updated", "task_id": "a", "patch": { "status": "killed" } });
        let notified = json!({ "subtype": "task_notification", "task_id": "a" });
        let mut tasks = Tasks::default();
        assert!(!tasks.is_news(&notified), "nobody knows it");
        tasks.observe(&json!({ "subtype": "background_tasks_changed", "tasks": [{ "task_id": "a" }] }));
        assert!(
            !tasks.is_news(&json!({ "subtype": "task_updated", "task_id": "a", "patch": { "status": "running" } }))
        );
        assert!(tasks.is_news(&updated) && tasks.is_news(&notified));
        tasks.observe(&json!({ "subtype": "background_tasks_changed", "tasks": [] }));
        assert!(tasks.is_news(&updated), "it is not in the list any more, and nobody has said why");
        tasks.observe(&updated);
        assert!(!tasks.is_news(&notified));
    }
}
