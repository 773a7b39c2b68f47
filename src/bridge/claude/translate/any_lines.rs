//! Whatever the lines, the events are those of a valid run.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{lines::*, *};
use crate::agui::{Verifier, Violation};

/// The id of something that the agent of this call made: ids of the API are never those of another agent's.
fn owned(parent: Option<&str>, id: &str) -> String {
    parent.map_or_else(|| id.to_owned(), |parent| format!("{parent}.{id}"))
}

fn whole_of(message: &str, parent: Option<&str>, block: Value) -> Value {
    whole(&owned(parent, message), parent, block)
}

/// Lines in any order, also ones that make no sense.
fn any_line() -> impl Strategy<Value = Value> {
    let index = 0..3_usize;
    let call = prop::sample::select(vec!["t1", "t2", "t3"]);
    let message = prop::sample::select(vec!["m1", "m2"]);
    let parent = prop::option::of(prop::sample::select(vec!["t1", "t2", "t1.t2"]));
    let member = prop::sample::select(vec!["text", "thinking", "partial_json", "signature"]);
    let task = |subtype: &'static str| {
        (prop::sample::select(vec!["t1", "t2", "t1.t2"]), any::<bool>()).prop_map(move |(call, background)| {
            json!({ "type": "system", "subtype": subtype, "task_type": "local_agent", "tool_use_id": call,
                    "is_backgrounded": background, "status": "completed" })
        })
    };
    prop_oneof![
        message.clone().prop_map(message_start),
        index.clone().prop_map(|index| block_start(index, text_block())),
        index.clone().prop_map(|index| block_start(index, json!({ "type": "thinking", "thinking": "" }))),
        (index.clone(), call.clone()).prop_map(|(index, call)| block_start(index, tool(call, "Bash"))),
        (index.clone(), member).prop_map(|(index, member)| delta(index, member, "x")),
        index.clone().prop_map(block_stop),
        Just(message_stop()),
        index.prop_map(abandoned),
        (message.clone(), parent.clone(), call.clone())
            .prop_map(|(message, parent, call)| { whole_of(message, parent, tool(&owned(parent, call), "Agent")) }),
        (message, parent.clone()).prop_map(|(message, parent)| whole_of(
            message,
            parent,
            json!({ "type": "text", "text": "x" })
        )),
        (call, parent).prop_map(|(call, parent)| result_of(&owned(parent, call), parent, json!("x"), false)),
        task("task_started"),
        task("task_notification"),
    ]
}

/// What a reader would refuse of these events inside a run.
fn violation(events: &[Event]) -> Option<Violation> {
    let (thread_id, run_id) = (Id::from("t"), Id::from("r"));
    let started = EventKind::RunStarted {
        thread_id: thread_id.clone(),
        run_id: run_id.clone(),
        protocol_version: None,
        parent_run_id: None,
        input: None,
    };
    let finished =
        EventKind::RunFinished { thread_id: thread_id.clone(), run_id, result: None, outcome: None, usage: Vec::new() };
    let mut verifier = Verifier::new(thread_id);
    let run = [started.into()].into_iter().chain(events.iter().cloned()).chain([finished.into()]);
    run.map(|event| verifier.check(&event)).find_map(Result::err)
}

proptest! {
    #[test]
    fn whatever_the_lines_the_events_are_those_of_a_valid_run(lines in prop::collection::vec(any_line(), 0..60), cut: bool) {
        let events = translated(&lines, if cut { Closing::Cut("cut") } else { Closing::Done });
        let violation = violation(&events);
        prop_assert!(violation.is_none(), "{violation:?} in {events:#?}");
    }
}
