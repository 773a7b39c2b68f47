//! Accepted inputs.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod eventlog_support;

use std::sync::Arc;

use ambient::eventlog::{Store, ThreadLog};
use eventlog_support::{simulated::Simulated, started, sync, text, thread, tiny, wait};
use serde_json::value::RawValue;

fn open(disk: &Simulated) -> Store {
    Store::open("/data", tiny(Arc::new(disk.clone()))).unwrap()
}

fn accept(log: &ThreadLog, run: &str, input: &str) -> bool {
    let input = RawValue::from_string(input.to_owned()).unwrap();
    wait(log.accept(&run.into(), 7, &input)).unwrap()
}

fn start(log: &ThreadLog, run: &str) {
    log.append(&run.into(), 8, &[started(run)]).unwrap();
}

fn pending(log: &ThreadLog) -> Vec<String> {
    log.pending().iter().map(|input| input.run_id.to_string()).collect()
}

#[test]
fn accepted_inputs_survive_a_power_cut_in_their_order() {
    let disk = Simulated::new();
    let log = thread(&open(&disk));
    for run in ["c", "a", "b"] {
        assert!(accept(&log, run, &format!("{{\"say\":\"{run}\"}}")));
    }
    for seed in 0..20 {
        let store = open(&disk.power_cut(seed));
        let log = thread(&store);
        assert_eq!(pending(&log), ["c", "a", "b"]);
        assert_eq!(log.pending()[1].input.get(), "{\"say\":\"a\"}");
        assert_eq!(log.pending()[1].at, 7);
    }
}

#[test]
fn a_run_that_started_is_not_pending_any_more() {
    let disk = Simulated::new();
    let log = thread(&open(&disk));
    accept(&log, "a", "1");
    accept(&log, "b", "2");
    start(&log, "a");
    assert_eq!(pending(&log), ["b"]);
    assert_eq!(pending(&thread(&open(&disk.killed()))), ["b"]);
}

#[test]
fn a_run_that_is_known_is_not_accepted_again() {
    let disk = Simulated::new();
    let log = thread(&open(&disk));
    assert!(accept(&log, "a", "1"));
    assert!(!accept(&log, "a", "2"));
    start(&log, "b");
    assert!(!accept(&log, "b", "3"));
    assert_eq!(log.pending()[0].input.get(), "1");
}

#[test]
fn an_input_with_line_breaks_is_one_line_of_the_journal() {
    let disk = Simulated::new();
    let log = thread(&open(&disk));
    accept(&log, "a", "{\r\n  \"say\": \"x\\ny\"\r\n}");
    let log = thread(&open(&disk.killed()));
    assert_eq!(log.pending()[0].input.get(), "{    \"say\": \"x\\ny\"  }");
}

#[test]
fn an_input_is_kept_until_the_start_of_its_run_is_synced_whatever_the_run_wrote_before() {
    for (operations, seed) in (0..20).flat_map(|operations| (0..8).map(move |seed| (operations, seed))) {
        let disk = Simulated::new();
        let store = open(&disk);
        let log = thread(&store);
        accept(&log, "a", &format!("\"{}\"", "long ".repeat(50)));
        log.append(&"a".into(), 8, &[text("before")]).unwrap();
        sync(&log).unwrap();
        start(&log, "a");
        disk.die_after(operations);
        let _ = wait(log.accept(&"b".into(), 7, RawValue::NULL));
        let log = thread(&open(&disk.power_cut(seed)));
        let has_started = log.run(&"a".into()).is_some_and(|run| run.started);
        assert!(has_started || pending(&log).contains(&"a".to_owned()), "{operations} operations, seed {seed}");
    }
}

#[test]
fn the_journal_is_rewritten_when_most_of_it_is_done() {
    let disk = Simulated::new();
    let log = thread(&open(&disk));
    accept(&log, "waits", "{\"a\":\"long wait\"}");
    for n in 0..200 {
        let run = n.to_string();
        accept(&log, &run, "{\"say\":\"something\"}");
        start(&log, &run);
        sync(&log).unwrap();
    }
    let journal = disk.read(&disk.paths("inputs.jsonl")[0]);
    assert!(journal.len() < 400, "{} bytes", journal.len());
    for machine in [disk.killed(), disk.power_cut(5)] {
        assert_eq!(pending(&thread(&open(&machine))), ["waits"]);
    }
}

#[test]
fn an_input_is_kept_until_the_start_of_its_run_is_synced() {
    let disk = Simulated::new();
    let log = thread(&open(&disk));
    for n in 0..20 {
        accept(&log, &n.to_string(), "{\"say\":\"something\"}");
    }
    // Started, but not synced: a power cut may undo it, and then the input must still be there.
    start(&log, "0");
    let input = RawValue::from_string("{}".to_owned()).unwrap();
    drop(Box::pin(log.accept(&"last".into(), 1, &input)));
    for seed in 0..50 {
        let log = thread(&open(&disk.power_cut(seed)));
        let lost = log.run(&"0".into()).is_none();
        assert_eq!(lost, pending(&log).contains(&"0".to_owned()));
    }
}

#[test]
fn a_torn_journal_keeps_its_whole_lines() {
    let disk = Simulated::new();
    let log = thread(&open(&disk));
    accept(&log, "a", "1");
    accept(&log, "b", "{\"x\":1}");
    let path = disk.paths("inputs.jsonl")[0].clone();
    let whole = disk.read(&path);
    let first = whole.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    for cut in first..whole.len() {
        let machine = disk.killed();
        machine.edit(&path, |bytes| bytes.truncate(cut));
        let store = open(&machine);
        let log = thread(&store);
        assert_eq!(pending(&log), ["a"], "cut at {cut}");
        assert!(accept(&log, "c", "3"));
        assert_eq!(pending(&thread(&open(&machine.killed()))), ["a", "c"]);
    }
}
