//! Streams for tests: written short, or generated.

use ambient::agui::*;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

/// An event written short: `["TYPE", {members}]`.
pub(crate) fn event(short: &Value) -> Event {
    let mut members = short[1].as_object().cloned().unwrap_or_default();
    members.insert("type".into(), short[0].clone());
    serde_json::from_value(Value::Object(members))
        .unwrap_or_else(|error| panic!("{short}: {error}"))
}

pub(crate) fn events(short: &Value) -> Vec<Event> {
    short.as_array().unwrap().iter().map(event).collect()
}

pub(crate) fn fold(events: &[Event]) -> Thread {
    let mut thread = Thread::new();
    events.iter().for_each(|event| thread.apply(event));
    thread
}

/// Whether a client would take these events as a stream of thread `t`, up to a run that is under way.
pub(crate) fn verify(events: &[Event]) -> Result<(), String> {
    let mut verifier = Verifier::new("t".into());
    let mut all = events.iter();
    all.try_for_each(|event| {
        verifier
            .check(event)
            .map_err(|violation| format!("{violation} at {event:?}"))
    })
}

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
    (
        0..32_u8,
        0..3_u8,
        0..3_u8,
        tag,
        "[a-c]{0,2}",
        prop::bool::weighted(0.1),
    )
        .prop_map(|(op, id, other, tag, text, noted)| Attempt {
            op,
            id,
            other,
            tag,
            text,
            noted,
        })
}

/// Streams of one thread with several runs that pass the verifier; the last run may be under way.
pub(crate) fn stream() -> impl Strategy<Value = Vec<Event>> {
    prop::collection::vec(attempt(), 0..80).prop_map(|attempts| {
        let mut builder = Builder::default();
        attempts.iter().for_each(|attempt| builder.take(attempt));
        builder.events
    })
}

/// Like [`stream`], but the last run is over, too.
pub(crate) fn whole_stream() -> impl Strategy<Value = Vec<Event>> {
    prop::collection::vec(attempt(), 40..80).prop_map(|attempts| {
        let mut builder = Builder::default();
        attempts.iter().for_each(|attempt| builder.take(attempt));
        builder.end();
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
        Self {
            events,
            thread,
            verifier: Verifier::new("t".into()),
            runs: 0,
        }
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
        let mut event =
            Event::from(self.kind(attempt)).of_subagent(attempt.tag.map(|tag| self.id(tag)));
        if event.kind.concerns_whole_run() {
            event.subagent_run_id = None;
        }
        event.metadata = attempt
            .noted
            .then(|| object(&json!({&*attempt.text: self.events.len()})));
        self.push(event);
    }

    /// Ends the run that is under way.
    fn end(&mut self) {
        self.verifier
            .closers()
            .into_iter()
            .for_each(|closer| self.push(closer));
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

    fn has_message(&self, id: &Id) -> bool {
        self.thread
            .messages()
            .iter()
            .any(|message| message.id() == id)
    }

    fn run_id(&self) -> Id {
        format!("r{}", self.runs).into()
    }

    fn run_started(&self, attempt: &Attempt) -> Event {
        let (thread_id, run_id) = ("t", self.run_id());
        let message =
            json!({"id": format!("u{}", self.runs), "role": "user", "content": attempt.text});
        let state = attempt.noted.then(|| json!({"input": self.runs}));
        let input =
            json!({"threadId": thread_id, "runId": run_id, "state": state, "messages": [message]});
        event(&json!(["RUN_STARTED", {"threadId": thread_id, "runId": run_id, "input": input}]))
    }

    fn kind(&self, attempt: &Attempt) -> EventKind {
        use EventKind as K;
        let message_id = self.id(attempt.id);
        let thought: Id = format!("thought {message_id}").into();
        let call = |id| Id::from(format!("call {}", self.id(id)));
        let tool_call_id = call(attempt.id);
        let step_name = attempt.id.to_string();
        let delta = attempt.text.clone();
        match attempt.op {
            0 | 1 => K::RunError {
                message: delta,
                code: None,
                usage: vec![],
            },
            2 => K::StepStarted { step_name },
            3 => K::StepFinished { step_name },
            4 | 5 => K::TextMessageStart {
                message_id,
                role: role(attempt),
                name: Some(delta),
            },
            6..=9 => K::TextMessageContent { message_id, delta },
            10 => K::TextMessageEnd { message_id },
            11 | 12 => K::ToolCallStart {
                tool_call_id,
                tool_call_name: "f".into(),
                parent_message_id: match attempt.other {
                    0 => None,
                    1 => Some(self.id(0)),
                    _ => Some(call(0)).filter(|made| self.has_message(made)),
                },
            },
            13..=15 => K::ToolCallArgs {
                tool_call_id,
                delta,
            },
            16 => K::ToolCallEnd { tool_call_id },
            17 => K::ToolCallResult {
                message_id: format!("result {}", self.events.len()).into(),
                tool_call_id,
                content: delta.into(),
                role: None,
            },
            18 => K::StateSnapshot {
                snapshot: json!({"a": delta}),
            },
            19 => K::StateDelta {
                delta: vec![json!({"op": "add", "path": format!("/{delta}"), "value": attempt.id})],
            },
            20 => K::MessagesSnapshot {
                messages: self.snapshot(attempt),
            },
            21 => K::ActivitySnapshot {
                message_id: format!("activity {message_id}").into(),
                activity_type: delta,
                content: object(&json!({"n": attempt.other})),
                replace: Some(attempt.other > 0),
            },
            22 => K::ActivityDelta {
                message_id: format!("activity {message_id}").into(),
                activity_type: delta,
                patch: vec![json!({"op": "replace", "path": "/n", "value": attempt.other})],
            },
            23 => K::ReasoningStart {
                message_id: thought,
            },
            24 => K::ReasoningMessageStart {
                message_id: thought,
                role: ReasoningRole::Reasoning,
            },
            25 | 26 => K::ReasoningMessageContent {
                message_id: thought,
                delta,
            },
            27 => K::ReasoningMessageEnd {
                message_id: thought,
            },
            28 => K::ReasoningEnd {
                message_id: thought,
            },
            29 => K::ReasoningEncryptedValue {
                subtype: if attempt.other > 0 {
                    EncryptedSubtype::Message
                } else {
                    EncryptedSubtype::ToolCall
                },
                entity_id: match attempt.other {
                    0 => tool_call_id,
                    1 => message_id,
                    _ => thought,
                },
                encrypted_value: delta,
            },
            30 => K::SubagentStarted {
                name: delta,
                description: None,
                parent_subagent_run_id: (attempt.other > 0).then(|| self.id(attempt.other)),
                parent_tool_call_id: None,
                parent_message_id: None,
            },
            _ => K::SubagentFinished {
                result: None,
                outcome: None,
            },
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
        self.thread
            .messages()
            .iter()
            .filter(keep)
            .cloned()
            .collect()
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
