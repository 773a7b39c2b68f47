//! A secret in any member of any event never gets out.

use std::collections::BTreeSet;

use ambient::{agui::Event, runner::redact::EventRedactor};
use serde_json::{Map, Value, json};

use crate::samples;

/// An event of every kind with every member that it can have.
fn examples() -> Vec<Value> {
    let mut examples: Vec<Value> = serde_json::from_str(include_str!("examples.json")).unwrap();
    for example in &mut examples {
        example["timestamp"] = json!(1);
        example["rawEvent"] = json!({"k": ["v"]});
        example["metadata"] = json!({"k": {"l": "v"}});
        if !concerns_whole_run(example) {
            example["subagentRunId"] = json!("s");
        }
    }
    examples
}

/// The kinds that belong to no sub-agent.
fn concerns_whole_run(example: &Value) -> bool {
    let kind = example["type"].as_str().unwrap();
    ["RUN_STARTED", "RUN_FINISHED", "RUN_ERROR", "MESSAGES_SNAPSHOT"].contains(&kind)
}

#[test]
fn the_examples_have_every_kind_and_every_member() {
    let mut kinds = BTreeSet::new();
    for example in examples() {
        let event: Event = serde_json::from_value(example.clone()).unwrap();
        assert_eq!(serde_json::to_value(&event).unwrap(), example, "a member is unknown");
        let shown = format!("{event:?}");
        let shown = if concerns_whole_run(&example) { shown.replace("subagent_run_id: None }", "}") } else { shown };
        assert!(!shown.contains("None") && !shown.contains("[]"), "a member is missing: {shown}");
        kinds.insert(example["type"].as_str().unwrap().to_owned());
    }
    assert_eq!(kinds.len(), 31);
}

/// The example once for each string in it, with `secret` at its place, and once for each key of a free object.
fn planted(example: &Value, secret: &str) -> Vec<(String, Value)> {
    let mut places = Vec::new();
    collect(example, String::new(), &mut places);
    let replace = |place: &String| {
        let mut copy = example.clone();
        if let Some((parent, key)) = place.strip_suffix('#').and_then(|place| place.rsplit_once('/')) {
            let object: &mut Map<_, _> = copy.pointer_mut(parent).unwrap().as_object_mut().unwrap();
            let value = object.remove(key).unwrap();
            object.insert(secret.to_owned(), value);
        } else {
            *copy.pointer_mut(place).unwrap() = Value::from(secret);
        }
        (place.clone(), copy)
    };
    places.iter().map(replace).collect()
}

/// Pointers to all strings, and to all keys `k` and `l` (with a `#`), which the examples use in free objects only.
fn collect(value: &Value, at: String, places: &mut Vec<String>) {
    match value {
        Value::String(_) => places.push(at),
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(index, item)| collect(item, format!("{at}/{index}"), places));
        }
        Value::Object(map) => {
            for (key, item) in map {
                if key == "k" || key == "l" {
                    places.push(format!("{at}/{key}#"));
                }
                collect(item, format!("{at}/{key}"), places);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// What comes out of a redactor for this one event, and then an end of the run.
fn through(redactor: &mut EventRedactor, event: Event) -> String {
    let mut out = Vec::new();
    redactor.apply(event, &mut out);
    let error = json!({"type": "RUN_ERROR", "message": "end"});
    redactor.apply(serde_json::from_value(error).unwrap(), &mut out);
    serde_json::to_string(&out).unwrap()
}

#[test]
fn bug_05_a_secret_in_any_member_of_any_event_never_gets_out() {
    let known = samples::known().into_iter().map(|(_, value)| (value.clone(), value.trim().to_owned()));
    let mut secrets: Vec<(String, String)> = known.collect();
    secrets.extend(samples::shapes().into_iter().map(|(_, text, secret)| (text, secret)));
    let mut closed = BTreeSet::new();
    let mut planted_in = 0;
    for example in examples() {
        for (text, secret) in &secrets {
            for (place, value) in planted(&example, text) {
                let Ok(event) = serde_json::from_value::<Event>(value) else {
                    closed.insert(place.rsplit('/').next().unwrap_or_default().to_owned());
                    continue;
                };
                planted_in += 1;
                let out = through(&mut EventRedactor::new(samples::redactor()), event);
                assert_no_secret(&out, secret, &format!("{} {place}", example["type"]));
            }
        }
    }
    // Members with a closed set of values cannot hold a secret; all others were tried.
    assert_eq!(closed, ["role", "status", "subtype", "type"].map(str::to_owned).into());
    assert!(planted_in > 190 * secrets.len(), "{planted_in}");
}

/// The secret is in none of the document's strings.
fn assert_no_secret(json: &str, secret: &str, place: &str) {
    let escaped = Value::from(secret).to_string();
    assert!(!json.contains(&escaped[1..escaped.len() - 1]), "{secret} in {place}: {json}");
}

#[test]
fn events_without_secrets_stay_as_they_are() {
    for example in examples() {
        let event: Event = serde_json::from_value(example.clone()).unwrap();
        let mut expected = event.clone();
        if example.get("delta").is_some_and(Value::is_string) {
            expected.raw_event = None;
        }
        let mut out = Vec::new();
        EventRedactor::new(samples::shapes_only()).apply(event, &mut out);
        assert_eq!(out, [expected]);
    }
}

#[test]
fn an_id_with_a_secret_becomes_the_same_id_everywhere() {
    let secret = format!("call-{}", samples::known()[0].1);
    let mut redactor = EventRedactor::new(samples::redactor());
    let mut out = Vec::new();
    for event in [
        json!({"type": "TOOL_CALL_START", "toolCallId": secret, "toolCallName": "Bash", "subagentRunId": secret}),
        json!({"type": "TOOL_CALL_ARGS", "toolCallId": secret, "delta": "{} ghp", "subagentRunId": secret}),
        json!({"type": "TOOL_CALL_END", "toolCallId": secret, "subagentRunId": secret}),
        json!({"type": "TOOL_CALL_RESULT", "toolCallId": secret, "messageId": "m", "content": "", "subagentRunId": secret}),
    ] {
        redactor.apply(serde_json::from_value(event).unwrap(), &mut out);
    }
    assert_eq!(out.len(), 5);
    for event in out {
        let event = serde_json::to_value(event).unwrap();
        assert_eq!(event["toolCallId"], "call-[redacted:ANTHROPIC_API_KEY]");
        assert_eq!(event["subagentRunId"], "call-[redacted:ANTHROPIC_API_KEY]");
    }
}
