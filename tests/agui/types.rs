//! Every event is what the JSON Schema allows, and nothing else.

use std::collections::BTreeSet;

use ambient::agui::*;
use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};
use serde_json::{Value, json};

use crate::generate;

const SCHEMA: &str = include_str!("ag-ui-1.0.schema.json");

fn schema() -> Value {
    serde_json::from_str(SCHEMA).unwrap()
}

fn validator() -> jsonschema::Validator {
    jsonschema::validator_for(&schema()).unwrap()
}

/// Runs a property for generated events of every kind.
fn for_every_kind(property: impl Fn(Event) -> Result<(), TestCaseError>) {
    for kind in generate::kinds() {
        let mut runner = TestRunner::new(Config::with_cases(48));
        runner.run(&generate::event(kind), &property).unwrap();
    }
}

#[test]
fn events_of_every_kind_conform_to_the_schema() {
    let validator = validator();
    for_every_kind(|event| {
        let json = serde_json::to_value(&event).unwrap();
        let errors: Vec<String> = validator.iter_errors(&json).map(|error| error.to_string()).collect();
        prop_assert!(errors.is_empty(), "{json}: {errors:?}");
        Ok(())
    });
}

#[test]
fn events_of_every_kind_survive_a_round_trip() {
    for_every_kind(|event| {
        let json = serde_json::to_vec(&event).unwrap();
        prop_assert_eq!(serde_json::from_slice::<Event>(&json).unwrap(), event);
        Ok(())
    });
}

#[test]
fn unknown_members_and_null_in_optional_members_are_tolerated_and_never_written() {
    let schema = schema();
    for_every_kind(|event| {
        let json = serde_json::to_value(&event).unwrap();
        let mut noisy = json.clone();
        let members = noisy.as_object_mut().unwrap();
        members.insert("threadIdOfSomebody".into(), json!({"deep": [1]}));
        for name in optional_members(&schema, event.kind.name()) {
            members.entry(name).or_insert(Value::Null);
        }
        let read: Event =
            serde_json::from_value(noisy.clone()).map_err(|error| TestCaseError::fail(format!("{noisy}: {error}")))?;
        prop_assert_eq!(serde_json::to_value(&read).unwrap(), json);
        Ok(())
    });
}

/// The members that the schema lets an event of this type leave out.
fn optional_members(schema: &Value, event_type: &str) -> Vec<String> {
    let is_it = |definition: &&Value| definition["properties"]["type"]["const"] == event_type;
    let definition = schema["$defs"].as_object().unwrap().values().find(is_it).unwrap();
    let own = definition["properties"].as_object().unwrap().keys();
    let base = schema["$defs"]["BaseEvent"]["properties"].as_object().unwrap().keys();
    let required = definition["required"].as_array().unwrap();
    own.chain(base).filter(|name| !required.contains(&json!(name))).cloned().collect()
}

#[test]
fn the_kinds_are_those_of_the_schema() {
    let schema = schema();
    let listed = schema["$defs"]["EventType"]["enum"].as_array().unwrap().iter();
    let expected: BTreeSet<&str> = listed.map(|name| name.as_str().unwrap()).collect();
    let mut seen = BTreeSet::new();
    for_every_kind_once(|event| {
        let json = serde_json::to_value(event).unwrap();
        assert_eq!(json["type"], event.kind.name());
        seen.insert(event.kind.name());
    });
    assert_eq!(seen, expected);
    assert_eq!(seen.len(), 31);
}

fn for_every_kind_once(mut look: impl FnMut(&Event)) {
    for kind in generate::kinds() {
        let mut runner = TestRunner::deterministic();
        let tree = generate::event(kind).new_tree(&mut runner).unwrap();
        look(&proptest::strategy::ValueTree::current(&tree));
    }
}

#[test]
fn a_required_member_of_any_json_may_be_null_but_not_absent() {
    for (name, member) in [("STATE_SNAPSHOT", "snapshot"), ("RAW", "event"), ("CUSTOM", "value")] {
        let present = json!({"type": name, "name": "n", member: null});
        let event: Event = serde_json::from_value(present).unwrap();
        assert_eq!(serde_json::to_value(&event).unwrap()[member], Value::Null);
        assert!(serde_json::to_value(&event).unwrap().get(member).is_some());
        let absent = json!({"type": name, "name": "n"});
        let error = serde_json::from_value::<Event>(absent).unwrap_err().to_string();
        assert!(error.contains(member), "{error}");
    }
}

#[test]
fn what_the_types_can_hold_but_the_schema_forbids_is_left_out() {
    let validator = validator();
    let finished = EventKind::RunFinished {
        thread_id: "t".into(),
        run_id: "r".into(),
        result: Some(Value::Null),
        outcome: None,
        usage: vec![Usage { input_tokens: Some(u64::MAX), ..Usage::default() }],
    };
    let event = Event {
        timestamp: Some(i64::MIN),
        raw_event: Some(Value::Null),
        subagent_run_id: Some("s".into()),
        ..Event::from(finished)
    };
    let json = serde_json::to_value(&event).unwrap();
    assert!(validator.is_valid(&json), "{json}");
    assert_eq!(json, json!({"type": "RUN_FINISHED", "threadId": "t", "runId": "r", "usage": [{}]}));
}

#[test]
fn a_wrong_type_in_a_known_member_is_refused() {
    for wrong in [
        json!({"type": "STEP_STARTED", "stepName": "s", "timestamp": 1.5}),
        json!({"type": "TEXT_MESSAGE_CONTENT", "messageId": "m", "delta": null}),
        json!({"type": "TEXT_MESSAGE_START", "messageId": "m", "role": "tool"}),
        json!({"type": "RUN_FINISHED", "threadId": "t", "runId": "r", "outcome": {"type": "interrupt"}}),
        json!({"type": "NO_SUCH_EVENT"}),
    ] {
        assert!(serde_json::from_value::<Event>(wrong.clone()).is_err(), "{wrong}");
    }
}
