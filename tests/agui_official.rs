//! What we send passes the official AG-UI client 1.0 and the JSON Schema, wherever a client joins.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic, clippy::expect_used)]

#[path = "support/needs.rs"]
mod needs;
#[path = "support/agui.rs"]
mod official;
#[path = "agui/random.rs"]
mod random;
#[path = "agui/stream.rs"]
mod stream;

use std::{fs, path::Path};

use ambient::agui::*;
use official::OfficialClient;
use proptest::{
    strategy::{Strategy, ValueTree},
    test_runner::TestRunner,
};
use serde_json::{Value, json};
use stream::fold;

/// A thread of three runs with every kind of event that a log may hold.
fn rich_thread() -> Vec<Event> {
    let short: Value = serde_json::from_str(include_str!("agui/rich-thread.json")).unwrap();
    stream::events(&short)
}

/// A record of a log.
type Record = (u64, Event);

fn numbered(events: Vec<Event>) -> Vec<Record> {
    (1..).zip(events).collect()
}

/// What a client receives that joins after the first `at` records.
fn joined(log: &[Record], at: usize) -> Vec<u8> {
    let (head, tail) = log.split_at(at);
    let mut thread = Thread::new();
    for (_, event) in head {
        thread.apply(event);
    }
    let seq = head.last().map_or(0, |(seq, _)| *seq);
    let prelude = thread.prelude().into_iter().map(|event| (seq, event));
    let mut stream = Vec::new();
    for (seq, event) in prelude.chain(tail.iter().cloned()) {
        sse::write_frame(&mut stream, seq, &serde_json::to_vec(&event).unwrap());
    }
    stream
}

/// Writes the streams of all who join the log, at every event, and of the same log compacted.
fn write_joins(folder: &Path, name: &str, log: &[Record]) {
    let short = compact(log.to_vec(), |record| &mut record.1);
    for (form, log) in [("raw", log), ("compact", &short)] {
        for at in 0..=log.len() {
            fs::write(folder.join(format!("{name}-{form}-{at:03}.sse")), joined(log, at)).unwrap();
        }
    }
}

fn result_of(log: &[Record]) -> Value {
    let events: Vec<Event> = log.iter().map(|(_, event)| event.clone()).collect();
    let thread = fold(&events);
    json!({"messages": thread.messages(), "state": thread.state()})
}

#[test]
fn the_checker_itself_fails_on_known_bad_streams() {
    if let Some(client) = OfficialClient::find() {
        client.check_itself();
    }
}

#[test]
fn the_rich_thread_has_every_kind_of_event_but_chunks() {
    let mut names: Vec<&str> = rich_thread().iter().map(|event| event.kind.name()).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), 28, "{names:?}");
    assert_eq!(stream::verify(&rich_thread()), Ok(()));
}

#[test]
fn who_joins_the_rich_thread_at_any_event_ends_where_the_official_client_and_our_fold_end() {
    let Some(client) = OfficialClient::find() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let joins = folder.path().join("joins");
    fs::create_dir(&joins).unwrap();
    let log = numbered(rich_thread());
    write_joins(&joins, "rich", &log);
    let expected = folder.path().join("expected.json");
    fs::write(&expected, result_of(&log).to_string()).unwrap();
    client.check_folder_ends_with(&joins, &expected);

    let records = folder.path().join("log.jsonl");
    fs::write(&records, as_lines(&log)).unwrap();
    client.check_folder_ends_as_log(&joins, &records);
}

fn as_lines(log: &[Record]) -> String {
    let mut run = Value::Null;
    let mut lines = String::new();
    for (seq, event) in log {
        if let EventKind::RunStarted { run_id, .. } = &event.kind {
            run = json!(run_id);
        }
        lines += &json!({"seq": seq, "runId": run, "at": "2026-01-01T00:00:00Z", "event": event}).to_string();
        lines.push('\n');
    }
    lines
}

#[test]
fn generated_threads_end_the_same_in_the_official_client_and_in_our_fold() {
    let Some(client) = OfficialClient::find() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let mut runner = TestRunner::deterministic();
    for thread in 0..12 {
        let events = random::streams(true).new_tree(&mut runner).unwrap().current();
        let log = numbered(events);
        write_joins(folder.path(), &format!("thread-{thread:02}"), &log);
        let expected = result_of(&log).to_string();
        for stream in fs::read_dir(folder.path()).unwrap() {
            let beside = stream.unwrap().path().with_extension("expect.json");
            if !beside.exists() && !beside.to_string_lossy().contains("expect.expect") {
                fs::write(beside, &expected).unwrap();
            }
        }
    }
    client.check_folder(folder.path());
}
