//! Streams for tests, generated.

use ambient::agui::*;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use crate::stream::event;

/// A thing to try next. What the rules do not allow at that place is skipped.
#[derive(Debug, Clone)]
pub(crate) struct Attempt {
    op: u8,
    id: u8,
    other: u8,
    tag: Option<u8>,
    text: String,
    noted: bool,
}

fn attempt() -> impl Strategy<Value = Attempt> {
    let tag = prop_oneof![4 => Just(None), 1 => (0..2_u8).prop_map(Some)];
    (0..32_u8, 0..3_u8, 0..3_u8, tag, "[a-c]{0,2}", prop::bool::weighted(0.1))
        .prop_map(|(op, id, other, tag, text, noted)| Attempt { op, id, other, tag, text, noted })
}

/// Streams of one thread with several runs that pass the verifier. The last run is over, or maybe under way.
pub(crate) fn streams(all_over: bool) -> impl Strategy<Value = Vec<Event>> {
    let least = if all_over { 40 } else { 0 };
    prop::collection::vec(attempt(), least..80).prop_map(move |attempts| {
        let mut builder = Builder::default();
        for attempt in &attempts {
            builder.take(attempt);
        }
        if all_over {
            builder.end();
        }
        builder.events
    })
}

struct Builder {
    events: Vec<Event>,
    verifier: Verifier,
    thread: Thread,
    runs: usize,
}

impl Default for Builder {
    fn default() -> Self {
        let (events, thread) = (Vec::new(), Thread::new());
        Self { events, thread, verifier: Verifier::new("t".into()), runs: 0 }
    }
}

impl Builder {
    fn take(&mut self, attempt: &Attempt) {
        if self.verifier.run_id().is_none() {
            self.runs += 1;
            self.push(self.run_started(attempt));
            // What a runner does with a state from its input, so that all clients have it.
            let snapshot = self.thread.state().clone();
            self.push(EventKind::StateSnapshot { snapshot }.into());
        }
        if attempt.op == 0 {
            return self.end();
        }
        let mut event = Event::from(self.kind(attempt)).of_subagent(attempt.tag.map(|tag| self.id(tag)));
        if event.kind.concerns_whole_run() {
            event.subagent_run_id = None;
        }
        event.metadata = attempt.noted.then(|| object(&json!({&*attempt.text: self.events.len()})));
        self.push(event);
    }

    /// Ends the run that is under way.
    fn end(&mut self) {
        for closer in self.verifier.closers() {
            self.push(closer);
        }
        let finished = json!(["RUN_FINISHED", {"threadId": "t", "runId": self.run_id()}]);
        self.push(event(&finished));
    }

    fn push(&mut self, event: Event) {
        if self.verifier.check(&event).is_ok() {
            self.thread.apply(&event);
            self.events.push(event);
        }
    }

    /// Ids are used again within a run. As the protocol demands, things of different kinds have different ones.
    fn id(&self, id: u8) -> Id {
        format!("{}-{id}", self.runs).into()
    }

    fn call(&self, id: u8) -> Id {
        format!("call {}", self.id(id)).into()
    }

    fn thought(&self, id: u8) -> Id {
        format!("thought {}", self.id(id)).into()
    }

    fn has_message(&self, id: &Id) -> bool {
        self.thread.messages().iter().any(|message| message.id() == id)
    }

    fn run_id(&self) -> Id {
        format!("r{}", self.runs).into()
    }

    fn run_started(&self, attempt: &Attempt) -> Event {
        let (thread_id, run_id) = ("t", self.run_id());
        let message = json!({"id": format!("u{}", self.runs), "role": "user", "content": attempt.text});
        let state = attempt.noted.then(|| json!({"input": self.runs}));
        let input = json!({"threadId": thread_id, "runId": run_id, "state": state, "messages": [message]});
        event(&json!(["RUN_STARTED", {"threadId": thread_id, "runId": run_id, "input": input}]))
    }

    fn kind(&self, attempt: &Attempt) -> EventKind {
        match attempt.op {
            0..=5 => self.boundary(attempt),
            6..=12 => self.text(attempt),
            13..=19 => self.tool_call(attempt),
            20..=24 => self.snapshot_or_change(attempt),
            _ => self.reasoning(attempt),
        }
    }

    fn boundary(&self, attempt: &Attempt) -> EventKind {
        let step_name = attempt.id.to_string();
        match attempt.op {
            2 => EventKind::StepStarted { step_name },
            3 => EventKind::StepFinished { step_name },
            4 => EventKind::SubagentStarted {
                name: attempt.text.clone(),
                description: None,
                parent_subagent_run_id: (attempt.other > 0).then(|| self.id(attempt.other)),
                parent_tool_call_id: None,
                parent_message_id: None,
            },
            5 => EventKind::SubagentFinished { result: None, outcome: None },
            _ => EventKind::RunError { message: "lost".into(), code: None, usage: vec![] },
        }
    }

    fn text(&self, attempt: &Attempt) -> EventKind {
        let message_id = self.id(attempt.id);
        let delta = attempt.text.clone();
        match attempt.op {
            6 | 7 => EventKind::TextMessageStart { message_id, role: role(attempt), name: Some(delta) },
            8 => EventKind::TextMessageEnd { message_id },
            _ => EventKind::TextMessageContent { message_id, delta },
        }
    }

    fn tool_call(&self, attempt: &Attempt) -> EventKind {
        let tool_call_id = self.call(attempt.id);
        let delta = attempt.text.clone();
        match attempt.op {
            13 | 14 => EventKind::ToolCallStart {
                tool_call_id,
                tool_call_name: "f".into(),
                parent_message_id: match attempt.other {
                    0 => None,
                    1 => Some(self.id(0)),
                    _ => Some(self.call(0)).filter(|made| self.has_message(made)),
                },
            },
            15 => EventKind::ToolCallEnd { tool_call_id },
            16 => EventKind::ToolCallResult {
                message_id: format!("result {}", self.events.len()).into(),
                tool_call_id,
                content: delta.into(),
                role: None,
            },
            _ => EventKind::ToolCallArgs { tool_call_id, delta },
        }
    }

    fn snapshot_or_change(&self, attempt: &Attempt) -> EventKind {
        let activity = || format!("activity {}", self.id(attempt.id)).into();
        let text = &attempt.text;
        match attempt.op {
            20 => EventKind::StateSnapshot { snapshot: json!({"a": text}) },
            21 => EventKind::StateDelta {
                delta: vec![json!({"op": "add", "path": format!("/{text}"), "value": attempt.id})],
            },
            22 => EventKind::MessagesSnapshot { messages: self.snapshot(attempt) },
            23 => EventKind::ActivitySnapshot {
                message_id: activity(),
                activity_type: text.clone(),
                content: object(&json!({"n": attempt.other})),
                replace: Some(attempt.other > 0),
            },
            _ => EventKind::ActivityDelta {
                message_id: activity(),
                activity_type: text.clone(),
                patch: vec![json!({"op": "replace", "path": "/n", "value": attempt.other})],
            },
        }
    }

    fn reasoning(&self, attempt: &Attempt) -> EventKind {
        let message_id = self.thought(attempt.id);
        let delta = attempt.text.clone();
        match attempt.op {
            25 => EventKind::ReasoningStart { message_id },
            26 => EventKind::ReasoningMessageStart { message_id, role: ReasoningRole::Reasoning },
            27 => EventKind::ReasoningMessageEnd { message_id },
            28 => EventKind::ReasoningEnd { message_id },
            29 => EventKind::ReasoningEncryptedValue {
                subtype: [EncryptedSubtype::ToolCall, EncryptedSubtype::Message][usize::from(attempt.other.min(1))],
                entity_id: match attempt.other {
                    0 => self.call(attempt.id),
                    1 => self.id(attempt.id),
                    _ => message_id,
                },
                encrypted_value: delta,
            },
            _ => EventKind::ReasoningMessageContent { message_id, delta },
        }
    }

    /// The conversation as a producer restates it: everything that is being written, and some of the rest.
    fn snapshot(&self, attempt: &Attempt) -> Vec<Message> {
        let open = self.verifier.open_items();
        let is_open = |id: &str| open.iter().any(|item| item.id() == id);
        let keep = |message: &&Message| {
            is_open(message.id())
                || message.tool_calls().iter().any(|call| is_open(&call.id))
                || message.id().len() % 2 == usize::from(attempt.other % 2)
        };
        self.thread.messages().iter().filter(keep).cloned().collect()
    }
}

/// The last id is never an assistant's message, the others always are.
fn role(attempt: &Attempt) -> Option<TextRole> {
    match (attempt.id, attempt.other) {
        (2, 0) => Some(TextRole::Developer),
        (2, 1) => Some(TextRole::System),
        (2, _) => Some(TextRole::User),
        _ => None,
    }
}

fn object(value: &Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}
