//! Streams for tests, written short.

use ambient::agui::*;
use serde_json::Value;

/// An event written short: `["TYPE", {members}]`.
pub(crate) fn event(short: &Value) -> Event {
    let mut members = short[1].as_object().cloned().unwrap_or_default();
    members.insert("type".into(), short[0].clone());
    serde_json::from_value(Value::Object(members)).unwrap_or_else(|error| panic!("{short}: {error}"))
}

pub(crate) fn events(short: &Value) -> Vec<Event> {
    short.as_array().unwrap().iter().map(event).collect()
}

pub(crate) fn fold(events: &[Event]) -> Thread {
    let mut thread = Thread::new();
    for event in events {
        thread.apply(event);
    }
    thread
}

/// Whether a client would take these events as a stream of thread `t`, up to a run that is under way.
pub(crate) fn verify(events: &[Event]) -> Result<(), String> {
    let mut verifier = Verifier::new("t".into());
    let mut all = events.iter();
    all.try_for_each(|event| verifier.check(event).map_err(|violation| format!("{violation} at {event:?}")))
}
