use std::{path::Path, time::Duration};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::{Joins, kept::Kept};
use crate::{
    agui::{Event, Id},
    eventlog::{Options, Store, ThreadLog},
};

/// Long enough for the slowest machine; what waits longer waits for ever.
const SOON: Duration = Duration::from_mins(1);

/// A log whose segments and memory hold a few events only.
fn open(dir: &Path) -> (Store, ThreadLog) {
    let options = Options { segment_bytes: 500, ring_bytes: 500, read_bytes: 100, ..Options::default() };
    let store = Store::open(dir, options).unwrap();
    let log = store.thread(&"t".into()).unwrap();
    (store, log)
}

/// A run that writes `texts` pieces, each an event.
fn run(id: &str, texts: usize) -> Vec<Event> {
    let text = |n: usize| json!({"type": "TEXT_MESSAGE_CONTENT", "messageId": id, "delta": format!("{n} of {id}, ")});
    let mut events = vec![
        json!({"type": "RUN_STARTED", "threadId": "t", "runId": id}),
        json!({"type": "TEXT_MESSAGE_START", "messageId": id}),
    ];
    events.extend((0..texts).map(text));
    events.push(json!({"type": "TEXT_MESSAGE_END", "messageId": id}));
    events.push(json!({"type": "RUN_FINISHED", "threadId": "t", "runId": id}));
    events.into_iter().map(|event| serde_json::from_value(event).unwrap()).collect()
}

fn append(log: &ThreadLog, run: &str, events: &[Event]) {
    log.append(&run.into(), 0, events).unwrap();
}

async fn text(joins: &Joins, log: &ThreadLog) -> String {
    let joined = tokio::time::timeout(SOON, joins.join(log)).await.expect("joining waits for nothing").unwrap();
    String::from_utf8(joined.prelude.to_vec()).unwrap()
}

#[tokio::test]
async fn who_joins_later_gets_what_a_fold_of_the_whole_log_gives() {
    let dir = TempDir::new().unwrap();
    let (_store, log) = open(dir.path());
    let kept = Joins::default();
    assert_eq!(text(&kept, &log).await, "");
    for id in ["a", "b", "c"] {
        for (at, event) in run(id, 5).iter().enumerate() {
            append(&log, id, std::slice::from_ref(event));
            if at % 2 == 0 {
                assert_eq!(text(&kept, &log).await, text(&Joins::default(), &log).await, "run {id}, event {at}");
            }
        }
    }
    assert!(text(&kept, &log).await.contains("4 of a, "));
}

#[tokio::test]
async fn who_joins_at_the_same_event_shares_the_bytes() {
    let dir = TempDir::new().unwrap();
    let (_store, log) = open(dir.path());
    append(&log, "a", &run("a", 5));
    let joins = Joins::default();
    let (first, second) = (joins.join(&log).await.unwrap(), joins.join(&log).await.unwrap());
    assert_eq!(first.prelude.as_ptr(), second.prelude.as_ptr());
    append(&log, "b", &run("b", 5)[..3]);
    let third = joins.join(&log).await.unwrap();
    assert_eq!((third.at, third.run), (12, Some("b".into())));
    assert_eq!((second.at, second.run), (9, None));
}

#[tokio::test]
async fn what_was_folded_is_not_read_again() {
    let dir = TempDir::new().unwrap();
    let (_store, log) = open(dir.path());
    append(&log, "a", &run("a", 5));
    let joins = Joins::default();
    text(&joins, &log).await;
    append(&log, "b", &run("b", 50));
    append(&log, "c", &run("c", 50));
    log.acknowledge(9).unwrap();
    assert!(log.first_seq() > 1, "the first run's records are gone");
    assert!(text(&joins, &log).await.contains("4 of a, "));
    let anew = text(&Joins::default(), &log).await;
    assert!(!anew.contains("4 of a, ") && anew.contains("49 of c, "), "{anew}");
}

#[tokio::test]
async fn a_fold_that_was_overtaken_by_trimming_begins_anew() {
    let dir = TempDir::new().unwrap();
    let (_store, log) = open(dir.path());
    append(&log, "a", &run("a", 5));
    let joins = Joins::default();
    text(&joins, &log).await;
    append(&log, "b", &run("b", 50));
    append(&log, "c", &run("c", 50));
    log.acknowledge(log.last_seq()).unwrap();
    assert_eq!(text(&joins, &log).await, text(&Joins::default(), &log).await);
}

#[tokio::test]
async fn joining_waits_for_no_number_that_was_left_out() {
    let (dir, copy) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let (_store, log) = open(dir.path());
    append(&log, "a", &run("a", 5));
    log.sync().await.unwrap();
    copy_all(dir.path(), copy.path());
    // After a power cut numbers were granted, and nobody knows whether they were used.
    edit_all(copy.path(), "thread.json", |mark| mark["boot"] = json!("another"));
    let (_store, log) = open(copy.path());
    assert!(log.last_seq() > 9, "numbers are left out");
    assert!(text(&Joins::default(), &log).await.contains("4 of a, "));
    append(&log, "b", &run("b", 5));
    assert!(text(&Joins::default(), &log).await.contains("4 of b, "));
}

fn copy_all(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            std::fs::create_dir(&to).unwrap();
            copy_all(&entry.path(), &to);
        } else {
            std::fs::copy(entry.path(), to).unwrap();
        }
    }
}

fn edit_all(dir: &Path, name: &str, edit: fn(&mut Value)) {
    for entry in std::fs::read_dir(dir).unwrap().map(Result::unwrap) {
        if entry.file_type().unwrap().is_dir() {
            edit_all(&entry.path(), name, edit);
        } else if entry.file_name() == name {
            let mut value = serde_json::from_slice(&std::fs::read(entry.path()).unwrap()).unwrap();
            edit(&mut value);
            std::fs::write(entry.path(), value.to_string()).unwrap();
        }
    }
}

#[tokio::test]
async fn a_new_directory_that_goes_on_at_a_number_can_be_joined() {
    let dir = TempDir::new().unwrap();
    let (_store, log) = open(dir.path());
    let joins = Joins::default();
    text(&joins, &log).await;
    log.set_first_seq(100).unwrap();
    let joined = joins.join(&log).await.unwrap();
    assert_eq!((joined.at, joined.run, joined.prelude.len()), (99, None, 0));
}

#[test]
fn threads_are_kept_while_there_is_room_the_last_used_longest() {
    let mut kept = Kept::default();
    let mut join = |thread: &str, size| {
        let thread: Id = thread.into();
        kept.take(&thread);
        kept.weigh(&thread, size);
        kept.threads().join(" ")
    };
    assert_eq!(join("a", 3 << 20), "a");
    assert_eq!(join("b", 3 << 20), "a b");
    assert_eq!(join("a", 4 << 20), "b a");
    assert_eq!(join("c", 2 << 20), "a c");
    assert_eq!(join("huge", 9 << 20), "");
    for n in 0..100 {
        join(&n.to_string(), 1);
    }
    assert_eq!(join("99", 1).split(' ').count(), 64);
}
