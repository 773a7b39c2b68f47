//! What the agent does beside its turn: sub-agents and background commands.

use std::collections::BTreeSet;

use serde_json::Value;

use super::wire::{list, text};

/// The tasks that are at work, by the CLI's ids.
#[derive(Debug, Default)]
pub(crate) struct Tasks {
    agents: BTreeSet<String>,
    background: BTreeSet<String>,
}

impl Tasks {
    /// Reads a system message.
    pub(crate) fn observe(&mut self, value: &Value) {
        let id = text(value, "task_id").unwrap_or_default();
        match text(value, "subtype") {
            Some("task_started") if value["task_type"] == "local_agent" => {
                self.agents.insert(id.to_owned());
            }
            Some("task_notification") => self.ended(id),
            Some("task_updated") if ends(&value["patch"]["status"]) => self.ended(id),
            Some("background_tasks_changed") => {
                self.background =
                    list(value, "tasks").iter().filter_map(|task| text(task, "task_id")).map(str::to_owned).collect();
            }
            _ => {}
        }
    }

    fn ended(&mut self, id: &str) {
        self.agents.remove(id);
        self.background.remove(id);
    }

    /// A sub-agent in the foreground cannot outlive its turn, whatever was said about it.
    pub(crate) fn turn_begins(&mut self) {
        let background = &self.background;
        self.agents.retain(|id| background.contains(id));
    }

    /// Whether a sub-agent works, whose report the agent will go on with.
    pub(crate) fn agents_at_work(&self) -> bool {
        !self.agents.is_empty()
    }

    /// Whether the process still does something.
    pub(crate) fn at_work(&self) -> bool {
        self.agents_at_work() || !self.background.is_empty()
    }
}

fn ends(status: &Value) -> bool {
    matches!(status.as_str(), Some("completed" | "failed" | "killed" | "stopped"))
}
