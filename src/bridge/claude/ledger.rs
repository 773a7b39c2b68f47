//! What the agents of all threads do beside their turns, and what they did last, as the CLI tells it.

use std::{
    collections::BTreeSet,
    sync::{Mutex, MutexGuard, PoisonError},
};

use serde_json::Value;

use super::wire::{list, text};
use crate::{
    agui::Id,
    bridge::{AgentTask, TaskStatus},
};

/// The most tasks that are known; those that ended first are forgotten first.
const MOST: usize = 256;

/// What the CLI says of a command that it put into the background, before the file's path.
const OUTPUT: &str = "Output is being written to: ";

/// The tasks of a bridge, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Ledger(Mutex<Vec<Entry>>);

#[derive(Debug, Clone)]
struct Entry {
    task: AgentTask,
    call: Option<String>,
    output: Option<String>,
    /// The CLI has said that it has ended.
    ended: bool,
}

impl Ledger {
    /// Reads a message of a thread's agent.
    pub(crate) fn observe(&self, thread: &Id, value: &Value) {
        match (text(value, "type"), text(value, "subtype")) {
            (Some("system"), Some("task_started")) => self.started(thread, value),
            (Some("system"), Some("task_notification")) => {
                self.changed(value, &value["status"]);
                self.writes_to(value);
            }
            (Some("system"), Some("task_updated")) => self.changed(value, &value["patch"]["status"]),
            (Some("user"), _) => self.result(value),
            _ => {}
        }
    }

    /// The process of a thread is gone, and what it did with it.
    pub(crate) fn process_ended(&self, thread: &Id) {
        for entry in self.entries().iter_mut().filter(|entry| entry.task.thread_id == *thread) {
            if entry.task.status == TaskStatus::Running {
                entry.task.status = TaskStatus::Stopped;
            }
        }
    }

    /// The tasks of a thread whose end the CLI has told.
    pub(crate) fn ended(&self, thread: &Id) -> BTreeSet<String> {
        let entries = self.entries();
        let ended = entries.iter().filter(|entry| entry.ended && entry.task.thread_id == *thread);
        ended.map(|entry| entry.task.id.clone()).collect()
    }

    /// Every task that is known, oldest first.
    pub(crate) fn all(&self) -> Vec<AgentTask> {
        self.entries().iter().map(|entry| entry.task.clone()).collect()
    }

    pub(crate) fn get(&self, id: &str) -> Option<AgentTask> {
        self.entries().iter().find(|entry| entry.task.id == id).map(|entry| entry.task.clone())
    }

    /// The file that the CLI named for a task's output, as the agent's place has it.
    pub(crate) fn output(&self, id: &str) -> Option<String> {
        self.entries().iter().find(|entry| entry.task.id == id)?.output.clone()
    }

    fn entries(&self) -> MutexGuard<'_, Vec<Entry>> {
        // Every critical section leaves the list whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn started(&self, thread: &Id, value: &Value) {
        let Some(id) = text(value, "task_id").filter(|id| !id.is_empty()) else {
            return;
        };
        let owned = |member| text(value, member).unwrap_or_default().to_owned();
        let task = AgentTask {
            id: id.to_owned(),
            thread_id: thread.clone(),
            description: owned("description"),
            kind: owned("task_type"),
            agent_session_id: text(value, "session_id").map(str::to_owned),
            status: TaskStatus::Running,
        };
        let mut entries = self.entries();
        entries.retain(|entry| entry.task.id != id);
        if entries.len() == MOST {
            let ended = entries.iter().position(|entry| entry.task.status != TaskStatus::Running);
            entries.remove(ended.unwrap_or(0));
        }
        let call = text(value, "tool_use_id").map(str::to_owned);
        entries.push(Entry { task, call, output: None, ended: false });
    }

    fn with(&self, value: &Value, change: impl FnOnce(&mut Entry)) {
        let id = text(value, "task_id");
        if let Some(entry) = self.entries().iter_mut().find(|entry| Some(entry.task.id.as_str()) == id) {
            change(entry);
        }
    }

    fn changed(&self, value: &Value, status: &Value) {
        let status = match status.as_str() {
            Some("completed") => TaskStatus::Completed,
            Some("failed") => TaskStatus::Failed,
            Some("killed" | "stopped") => TaskStatus::Stopped,
            _ => return,
        };
        // The first word counts: a task that was stopped is reported again as killed.
        self.with(value, |entry| {
            entry.ended = true;
            if entry.task.status == TaskStatus::Running {
                entry.task.status = status;
            }
        });
    }

    fn writes_to(&self, value: &Value) {
        let file = text(value, "output_file").filter(|file| !file.is_empty()).map(str::to_owned);
        self.with(value, |entry| entry.output = file.or(entry.output.take()));
    }

    /// The result of the call that began a task names its file.
    fn result(&self, value: &Value) {
        for block in list(&value["message"], "content") {
            let call = text(block, "tool_use_id");
            let Some(said) = said(block).and_then(|said| said.split_once(OUTPUT).map(|(_, rest)| rest.to_owned()))
            else {
                continue;
            };
            for entry in self.entries().iter_mut().filter(|entry| entry.call.is_some() && entry.call.as_deref() == call)
            {
                let name = format!("/tasks/{}.output", entry.task.id);
                let end = said.find(&name).map(|at| at + name.len());
                entry.output = end.map(|end| said[..end].to_owned()).or(entry.output.take());
            }
        }
    }
}

/// The text of a tool's result.
fn said(block: &Value) -> Option<String> {
    match &block["content"] {
        Value::String(said) => Some(said.clone()),
        Value::Array(parts) => parts.iter().find_map(|part| text(part, "text")).map(str::to_owned),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn started(ledger: &Ledger, id: &str) {
        let value = json!({"type": "system", "subtype": "task_started", "task_id": id, "tool_use_id": format!("call-{id}"),
            "description": "Wait", "task_type": "local_bash", "session_id": "s"});
        ledger.observe(&"t".into(), &value);
    }

    fn says(ledger: &Ledger, value: &Value) {
        ledger.observe(&"t".into(), value);
    }

    #[test]
    fn a_task_has_the_status_that_the_cli_told_first_of_its_end() {
        let ledger = Ledger::default();
        started(&ledger, "a");
        assert_eq!(ledger.get("a").unwrap().status, TaskStatus::Running);
        says(
            &ledger,
            &json!({"type": "system", "subtype": "task_notification", "task_id": "a", "status": "completed"}),
        );
        says(
            &ledger,
            &json!({"type": "system", "subtype": "task_updated", "task_id": "a", "patch": {"status": "killed"}}),
        );
        assert_eq!(ledger.get("a").unwrap().status, TaskStatus::Completed);
    }

    #[test]
    fn what_ran_in_a_process_that_is_gone_does_not_run() {
        let ledger = Ledger::default();
        started(&ledger, "a");
        ledger.process_ended(&"other".into());
        assert_eq!(ledger.get("a").unwrap().status, TaskStatus::Running);
        ledger.process_ended(&"t".into());
        assert_eq!(ledger.get("a").unwrap().status, TaskStatus::Stopped);
    }

    #[test]
    fn bug_07_the_output_is_the_file_that_the_cli_named_for_this_task() {
        let ledger = Ledger::default();
        started(&ledger, "a");
        assert_eq!(ledger.output("a"), None);
        let result = |text: &str| {
            json!({"type": "user", "message": {"content": [
                {"type": "tool_result", "tool_use_id": "call-a", "content": text}]}})
        };
        says(&ledger, &result("Output is being written to: /etc/shadow"));
        assert_eq!(ledger.output("a"), None);
        says(&ledger, &result("In the background. Output is being written to: /tmp/x y/tasks/a.output. Go on."));
        assert_eq!(ledger.output("a").as_deref(), Some("/tmp/x y/tasks/a.output"));
    }

    #[test]
    fn only_so_many_are_known_and_those_at_work_stay() {
        let ledger = Ledger::default();
        started(&ledger, "first");
        for number in 0..2 * MOST {
            let id = format!("n{number}");
            started(&ledger, &id);
            says(
                &ledger,
                &json!({"type": "system", "subtype": "task_notification", "task_id": id, "status": "failed"}),
            );
        }
        assert_eq!((ledger.all().len(), ledger.get("first").is_some()), (MOST, true));
    }
}
