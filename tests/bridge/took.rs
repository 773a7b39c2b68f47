//! What a turn gave, and what tests ask about it.

use ambient::{
    agui::{Event, EventKind, Id, Verifier},
    bridge::TurnEnd,
};
use serde_json::{Value, json};

/// What a turn gave.
#[derive(Clone)]
pub(crate) struct Took {
    pub(crate) events: Vec<Event>,
    pub(crate) end: TurnEnd,
}

impl Took {
    /// The events inside a run break no rule, and leave nothing open.
    pub(crate) fn verify(&self) {
        let (thread_id, run_id) = (Id::from("thread"), Id::from("run"));
        let started = EventKind::RunStarted {
            thread_id: thread_id.clone(),
            run_id: run_id.clone(),
            protocol_version: None,
            parent_run_id: None,
            input: None,
        };
        let finished = EventKind::RunFinished {
            thread_id: thread_id.clone(),
            run_id,
            result: None,
            outcome: None,
            usage: Vec::new(),
        };
        let mut verifier = Verifier::new(thread_id);
        for event in [&started.into()].into_iter().chain(&self.events).chain([&finished.into()]) {
            let checked = verifier.check(event);
            assert!(checked.is_ok(), "{checked:?} in {:#?}", self.events);
        }
        verifier.finish().unwrap();
    }

    /// The events as a reader gets them.
    pub(crate) fn json(&self) -> Vec<Value> {
        self.events.iter().map(|event| serde_json::to_value(event).unwrap()).collect()
    }

    /// Those of one kind.
    pub(crate) fn all(&self, kind: &str) -> Vec<Value> {
        let mut events = self.json();
        events.retain(|event| event["type"] == kind);
        events
    }

    /// The only one of a kind.
    pub(crate) fn one(&self, kind: &str) -> Value {
        let all = self.all(kind);
        assert_eq!(all.len(), 1, "expected one {kind}: {:#?}", self.json());
        all[0].clone()
    }

    /// The value of a CUSTOM event.
    pub(crate) fn custom(&self, name: &str) -> Vec<Value> {
        self.all("CUSTOM")
            .into_iter()
            .filter(|event| event["name"] == name)
            .map(|event| event["value"].clone())
            .collect()
    }

    /// Everything the assistant said, joined.
    pub(crate) fn text(&self) -> String {
        let deltas = self.all("TEXT_MESSAGE_CONTENT");
        deltas.iter().map(|event| event["delta"].as_str().unwrap()).collect()
    }

    /// The arguments of a call.
    pub(crate) fn arguments(&self, call: &Value) -> Value {
        let deltas = self.all("TOOL_CALL_ARGS");
        let text: String = deltas
            .iter()
            .filter(|event| event["toolCallId"] == *call)
            .map(|event| event["delta"].as_str().unwrap())
            .collect();
        serde_json::from_str(&text).unwrap_or_else(|_| json!(text))
    }
}
