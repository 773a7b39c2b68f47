//! Tasks in the background, which end when the client stops them: no test has to wait for a time.

use std::process;

use serde_json::{Value, json};

use crate::{command::After, input::Incoming, output::Output};

/// The tasks of a process.
#[derive(Default)]
pub(crate) struct Background {
    started: usize,
    at_work: Vec<(String, After)>,
}

impl Background {
    fn list(&self) -> Vec<Value> {
        let about =
            |(id, _): &(String, After)| json!({"task_id": id, "task_type": "local_bash", "description": "Wait"});
        self.at_work.iter().map(about).collect()
    }
}

impl Output {
    /// Puts a task into the background, as the real CLI does it.
    pub(crate) fn task_starts(&mut self, after: After) {
        self.background.started += 1;
        let id = format!("task-{}", self.background.started);
        self.background.at_work.push((id.clone(), after));
        self.tasks_changed();
        self.system(json!({
            "subtype": "task_started", "task_id": id, "task_type": "local_bash", "description": "Wait",
            "is_backgrounded": true,
        }));
    }

    /// Does what a control request asks, and answers it. Returns what the agent does next by itself.
    pub(crate) fn asked(&mut self, id: &str, subtype: &str, task: Option<&str>) -> Option<Incoming> {
        let after = task.filter(|_| subtype == "stop_task").and_then(|task| self.task_ends(task));
        self.answer(id, subtype);
        match after? {
            After::Silence => None,
            After::Turn => Some(Incoming::FollowUp("echo It has ended.".to_owned())),
            After::Crash => Some(Incoming::FollowUp("die".to_owned())),
            After::Death => kill_self(),
        }
    }

    fn task_ends(&mut self, id: &str) -> Option<After> {
        let at = self.background.at_work.iter().position(|(known, _)| known == id)?;
        let (id, after) = self.background.at_work.remove(at);
        self.system(json!({"subtype": "task_updated", "task_id": id, "patch": {"status": "killed"}}));
        self.system(json!({
            "subtype": "task_notification", "task_id": id, "status": "stopped", "output_file": "", "summary": "Wait",
        }));
        self.tasks_changed();
        Some(after)
    }

    fn tasks_changed(&mut self) {
        let tasks = self.background.list();
        self.system(json!({"subtype": "background_tasks_changed", "tasks": tasks}));
    }
}

/// Ends the process as a crash would.
pub(crate) fn kill_self() -> ! {
    if let Some(own) = rustix::process::Pid::from_raw(i32::try_from(process::id()).unwrap_or_default()) {
        rustix::process::kill_process(own, rustix::process::Signal::KILL).unwrap_or_default();
    }
    process::abort()
}
