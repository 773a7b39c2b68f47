//! Whatever comes between two turns, and in whatever order: the end of each task is told once.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::{
    agui::EventKind,
    bridge::claude::{session::Session, untold::Untold},
};

/// What may happen to a thread.
#[derive(Debug, Clone, Copy)]
enum Happening {
    /// A person says something; the agent puts a task into the background, or not.
    Prompt { task: bool },
    /// The oldest task at work ends.
    End,
    /// The agent begins a turn by itself, and ends it.
    FollowUp,
    /// The agent has not begun a turn for long enough.
    Silence,
    /// The runner takes the oldest follow-up that was announced.
    Taken,
    /// We wait for an answer: the process is read on, whatever it does.
    Asked,
    /// The process ends; another one goes on.
    Death,
}

/// A thread without time and processes.
struct World {
    session: Session,
    between: Between,
    untold: Untold,
    /// What the process has written and nobody has read.
    pipe: VecDeque<Value>,
    /// Something has ended, and the agent may still go on.
    waiting: bool,
    announced: usize,
    /// The tasks at work.
    tasks: VecDeque<String>,
    /// How often each line about an end was written.
    ended: BTreeMap<String, usize>,
    told: Vec<Event>,
    started: usize,
}

impl World {
    fn new() -> Self {
        Self {
            session: Session::new(None),
            between: Between::default(),
            untold: Untold::default(),
            pipe: VecDeque::new(),
            waiting: false,
            announced: 0,
            tasks: VecDeque::new(),
            ended: BTreeMap::new(),
            told: Vec::new(),
            started: 0,
        }
    }

    fn happens(&mut self, happening: Happening) {
        match happening {
            Happening::Prompt { task } => self.prompt(task),
            Happening::End => self.end(),
            Happening::FollowUp => self.pipe.extend(turn("task-notification", Vec::new())),
            Happening::Silence if std::mem::take(&mut self.waiting) && self.between.has_news() => self.announce(),
            Happening::Silence => {}
            Happening::Taken => self.take_follow_up(),
            Happening::Asked => self.ask(),
            Happening::Death => self.die(),
        }
        self.read();
    }

    fn announce(&mut self) {
        self.untold.due();
        self.announced += 1;
    }

    fn prompt(&mut self, task: bool) {
        let mut lines = Vec::new();
        if task {
            self.started += 1;
            let id = format!("task-{}", self.started);
            self.tasks.push_back(id.clone());
            let all: Vec<Value> = self.tasks.iter().map(|id| json!({"task_id": id})).collect();
            lines.push(json!({"type": "system", "subtype": "background_tasks_changed", "tasks": all}));
            lines.push(json!({"type": "system", "subtype": "task_started", "task_type": "local_bash", "task_id": id}));
        }
        self.pipe.extend(turn("human", lines));
        self.begin(Some("p".to_owned()));
        self.read();
        assert!(!self.session.in_turn());
    }

    /// What the real CLI writes when a task ends.
    fn end(&mut self) {
        let Some(id) = self.tasks.pop_front() else { return };
        let all: Vec<Value> = self.tasks.iter().map(|id| json!({"task_id": id})).collect();
        self.pipe.extend([
            json!({"type": "system", "subtype": "task_updated", "task_id": id, "patch": {"status": "completed"}}),
            json!({"type": "system", "subtype": "task_notification", "task_id": id, "status": "completed", "summary": id}),
            json!({"type": "system", "subtype": "background_tasks_changed", "tasks": all}),
        ]);
        *self.ended.entry(id).or_default() += 1;
    }

    fn read(&mut self) {
        while !self.between.is_held()
            && let Some(line) = self.pipe.pop_front()
        {
            self.line(line.to_string().as_bytes(), false);
        }
    }

    fn ask(&mut self) {
        while self.between.is_held()
            && let Some(line) = self.pipe.pop_front()
        {
            self.between.hold(line.to_string().as_bytes());
        }
    }

    fn line(&mut self, line: &[u8], closing: bool) {
        let step = self.session.line(line, &mut self.told);
        self.between.keep(line, &step, closing);
        match step {
            Step::KeepEnd => self.waiting = true,
            Step::Began if !closing => {
                self.waiting = false;
                self.announce();
            }
            Step::Over => drop(self.session.finish(None, &mut self.told)),
            _ => {}
        }
    }

    fn begin(&mut self, prompt: Option<String>) {
        self.waiting = false;
        self.untold.take_up();
        self.told.extend(self.untold.take().events);
        if prompt.is_none() && !self.between.is_held() {
            self.told.extend(self.between.tell().unwrap_or_default().events);
            return;
        }
        self.session.begin(prompt);
        for line in self.between.take() {
            if self.between.is_held() {
                self.between.hold(&line);
            } else {
                self.line(&line, false);
            }
        }
    }

    fn take_follow_up(&mut self) {
        let Some(left) = self.announced.checked_sub(1) else { return };
        self.announced = left;
        if self.untold.is_due() {
            let before = self.told.len();
            self.begin(None);
            self.read();
            assert!(self.told.len() > before, "nobody needs an empty turn");
        }
    }

    fn die(&mut self) {
        for line in self.between.release() {
            self.line(&line, true);
        }
        for line in std::mem::take(&mut self.pipe) {
            self.line(line.to_string().as_bytes(), true);
        }
        if self.untold.leave(self.between.tell()) {
            self.announced += 1;
        }
        // What the process did ends with it, and nobody says so.
        self.tasks.clear();
        (self.session, self.between, self.waiting) = (Session::new(None), Between::default(), false);
    }

    fn told_of(&self, subtype: &str) -> BTreeMap<String, usize> {
        let mut told = BTreeMap::new();
        for event in &self.told {
            if let EventKind::Raw { event, .. } = &event.kind
                && event["subtype"] == subtype
            {
                *told.entry(event["task_id"].as_str().unwrap().to_owned()).or_default() += 1;
            }
        }
        told
    }
}

/// A whole turn of the CLI.
fn turn(origin: &str, inside: Vec<Value>) -> Vec<Value> {
    let mut lines = vec![json!({"type": "system", "subtype": "session_state_changed", "state": "running"})];
    lines.push(json!({"type": "system", "subtype": "init", "session_id": "s"}));
    lines.extend(inside);
    lines.push(json!({"type": "assistant", "message": {"id": "m", "role": "assistant", "content": [{"type": "text", "text": "x"}]}}));
    lines.push(
        json!({"type": "result", "subtype": "success", "is_error": false, "result": "x", "origin": {"kind": origin}}),
    );
    lines.push(json!({"type": "system", "subtype": "session_state_changed", "state": "idle"}));
    lines
}

fn happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        3 => any::<bool>().prop_map(|task| Happening::Prompt { task }),
        4 => Just(Happening::End),
        2 => Just(Happening::FollowUp),
        3 => Just(Happening::Silence),
        3 => Just(Happening::Taken),
        2 => Just(Happening::Asked),
        1 => Just(Happening::Death),
    ]
}

proptest! {
    #[test]
    fn bug_08_each_end_is_told_once_in_whatever_order_things_happen(
        happenings in prop::collection::vec(happening(), 0..60)
    ) {
        let mut world = World::new();
        world.happens(Happening::Prompt { task: true });
        for happening in happenings {
            world.happens(happening);
        }
        world.happens(Happening::Silence);
        while world.announced > 0 {
            world.happens(Happening::Taken);
            world.happens(Happening::Silence);
        }
        prop_assert_eq!(&world.told_of("task_updated"), &world.ended);
        prop_assert_eq!(&world.told_of("task_notification"), &world.ended);
        prop_assert!(!world.untold.is_due() && world.pipe.is_empty());
    }
}

/// A session whose task has ended between turns, as far as it was told.
fn ended(lines: &[Value]) -> Between {
    let mut world = World::new();
    world.happens(Happening::Prompt { task: true });
    world.pipe.extend(lines.iter().cloned());
    world.read();
    assert!(world.waiting && world.announced == 0);
    world.between
}

fn updated(status: &str) -> Value {
    json!({"type": "system", "subtype": "task_updated", "task_id": "task-1", "patch": {"status": status}})
}

#[test]
fn bug_08_what_has_ended_is_said_in_the_words_of_the_agent() {
    let stopped = json!({"type": "system", "subtype": "task_notification", "task_id": "task-1", "status": "stopped",
        "summary": "Wait for it"});
    let said = ended(&[updated("running"), updated("killed"), stopped]).tell().unwrap().said;
    assert_eq!(said.as_deref(), Some("A background task has ended (stopped): Wait for it"));
}

#[test]
fn bug_08_what_has_ended_without_a_word_of_the_agent_is_said_with_its_name() {
    let mut between = ended(&[updated("completed")]);
    let said = between.tell().unwrap().said;
    assert_eq!(said.as_deref(), Some("A background task has ended (completed): task-1"));
    assert!(between.tell().is_none(), "it is told");
}

#[test]
fn bug_08_however_much_is_said_between_turns_an_end_is_not_forgotten() {
    let mut between = ended(&[updated("completed")]);
    for number in 0..2 * KEPT {
        between.keep(format!("{{\"type\":\"system\",\"n\":{number}}}").as_bytes(), &Step::Keep, false);
    }
    assert_eq!(between.lines.len(), KEPT);
    assert!(between.tell().unwrap().said.is_some());
}
