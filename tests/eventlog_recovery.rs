//! What is there when a log is opened again.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod eventlog_support;

use std::{path::PathBuf, sync::Arc};

use ambient::eventlog::{LogError, Options, Seq, Store, ThreadLog};
use eventlog_support::{say, simulated::Simulated, started, sync, text, texts, thread, tiny};

const DIR: &str = "/data";

fn open(disk: &Simulated) -> Store {
    Store::open(DIR, tiny(Arc::new(disk.clone()))).unwrap()
}

/// Room for everything in one segment.
fn open_large(disk: &Simulated) -> Store {
    let options = Options { segment_bytes: 1 << 20, ..tiny(Arc::new(disk.clone())) };
    Store::open(DIR, options).unwrap()
}

fn segments(disk: &Simulated) -> Vec<PathBuf> {
    disk.paths(".jsonl").into_iter().filter(|path| !path.ends_with("inputs.jsonl")).collect()
}

fn numbers(range: std::ops::Range<usize>) -> Vec<String> {
    range.map(|n| n.to_string()).collect()
}

fn say_numbers(log: &ThreadLog, range: std::ops::Range<usize>) {
    for n in range {
        say(log, &n.to_string());
    }
}

#[test]
fn a_torn_tail_is_cut_off_at_the_last_whole_record_wherever_it_tears() {
    let disk = Simulated::new();
    let log = thread(&open_large(&disk));
    say_numbers(&log, 0..3);
    let file = segments(&disk)[0].clone();
    let whole = disk.read(&file);
    let ends: Vec<usize> = memchr::memchr_iter(b'\n', &whole).map(|at| at + 1).collect();
    for cut in 0..=whole.len() {
        for filler in [&b""[..], &[0; 100], b"\xff\xfe garbage", b"{\"seq\":", b"?\n\n"] {
            let machine = disk.killed();
            machine.edit(&file, |bytes| {
                bytes.truncate(cut);
                bytes.extend_from_slice(filler);
            });
            let store = open_large(&machine);
            let log = thread(&store);
            let kept = ends.iter().filter(|end| **end <= cut).count();
            assert_eq!(texts(&log, 0), numbers(0..kept), "cut at {cut}");
            assert_eq!(say(&log, "next"), kept as Seq + 1);
        }
    }
}

#[test]
fn after_a_kill_numbering_goes_on_and_nothing_is_lost() {
    let disk = Simulated::new();
    let log = thread(&open(&disk));
    say_numbers(&log, 0..50);
    let store = open(&disk.killed());
    let log = thread(&store);
    assert_eq!(texts(&log, 0), numbers(0..50));
    assert_eq!(say(&log, "next"), 51);
    assert_eq!(log.recovery().skipped, None);
}

#[test]
fn after_a_power_cut_no_number_comes_back() {
    for seed in 0..200 {
        let disk = Simulated::new();
        let log = thread(&open(&disk));
        say_numbers(&log, 0..10);
        sync(&log).unwrap();
        say_numbers(&log, 10..20);
        let store = open(&disk.power_cut(seed));
        let log = thread(&store);
        let left = texts(&log, 0);
        assert!(left.len() >= 10 && left == numbers(0..left.len()), "{left:?}");
        assert!(say(&log, "next") > 20);
        let skipped = log.recovery().skipped.clone().unwrap();
        assert_eq!(skipped.start, left.len() as Seq + 1);
    }
}

#[test]
fn after_a_clean_end_numbering_goes_on_even_on_another_machine() {
    let disk = Simulated::new();
    let store = open(&disk);
    say_numbers(&thread(&store), 0..50);
    store.close().unwrap();
    let store = open(&disk.power_cut(1));
    let log = thread(&store);
    assert_eq!(texts(&log, 0), numbers(0..50));
    assert_eq!(say(&log, "next"), 51);
    assert!(!log.recovery().power_cut);
}

#[test]
fn numbers_left_out_once_stay_out_after_a_clean_end() {
    let disk = Simulated::new();
    say(&thread(&open(&disk)), "lost");
    let disk = disk.power_cut(3);
    let store = open(&disk);
    let next = thread(&store).last_seq() + 1;
    assert!(next > 1);
    store.close().unwrap();
    assert_eq!(say(&thread(&open(&disk.killed())), "next"), next);
}

#[test]
fn a_damaged_record_in_the_middle_is_an_error_that_names_the_place() {
    let disk = Simulated::new();
    let log = thread(&open(&disk));
    say_numbers(&log, 0..30);
    for (index, file) in segments(&disk).into_iter().enumerate() {
        let machine = disk.killed();
        machine.edit(&file, |bytes| bytes[1] = b'X');
        let opened = open(&machine).thread(&"t".into());
        let Err(LogError::Corrupt { file: named, offset, .. }) = opened else {
            panic!("segment {index} opened: {opened:?}")
        };
        assert_eq!((named, offset), (file, 0));
    }
}

#[test]
fn a_damaged_record_in_an_indexed_segment_is_found_by_the_reader() {
    let disk = Simulated::new();
    let log = thread(&open(&disk));
    say_numbers(&log, 0..30);
    sync(&log).unwrap();
    // A start has an index written for every segment but the last, also where the end came before the log had done so.
    let started = disk.killed();
    drop(thread(&open(&started)));
    let machine = started.killed();
    let file = segments(&machine)[1].clone();
    machine.edit(&file, |bytes| bytes[100] = 0);
    let store = open(&machine);
    let mut reader = thread(&store).reader(0);
    let error = eventlog_support::drain(&mut reader).unwrap_err();
    assert!(matches!(&error, LogError::Corrupt { file: named, .. } if *named == file), "{error}");
}

#[test]
fn a_missing_segment_in_the_middle_is_an_error() {
    let disk = Simulated::new();
    let log = thread(&open(&disk));
    say_numbers(&log, 0..30);
    let machine = disk.killed();
    let gone = &segments(&machine)[1];
    ambient::eventlog::Storage::remove(&machine, gone).unwrap();
    let opened = open(&machine).thread(&"t".into());
    assert!(matches!(opened, Err(LogError::Corrupt { .. })), "{opened:?}");
}

#[test]
fn runs_are_known_again_after_a_restart_and_after_trimming() {
    let disk = Simulated::new();
    let log = thread(&open(&disk));
    for run in ["a", "b", "c"] {
        log.append(&run.into(), 1, &[started(run)]).unwrap();
        for _ in 0..10 {
            log.append(&run.into(), 1, &[text("x")]).unwrap();
        }
        log.append(&run.into(), 1, &[eventlog_support::finished(run)]).unwrap();
    }
    log.append(&"d".into(), 1, &[started("d")]).unwrap();
    let runs = log.runs();
    assert_eq!(runs.iter().map(|run| run.ended).collect::<Vec<_>>(), [true, true, true, false]);
    assert_eq!((runs[1].first, runs[1].last), (13, 24));
    sync(&log).unwrap();
    log.acknowledge(30).unwrap();
    assert!(log.first_seq() > 12);
    assert_eq!(log.runs(), runs);
    assert_eq!(thread(&open(&disk.killed())).runs(), runs);
}

#[test]
fn a_new_log_begins_where_it_is_told_and_knows_that_it_does_not_have_the_rest() {
    let disk = Simulated::new();
    let log = thread(&open(&disk));
    log.set_first_seq(1000).unwrap();
    assert_eq!(log.last_seq(), 999);
    let mut early = log.reader(5);
    let gap = early.try_next();
    assert!(matches!(gap, Err(LogError::Gap { after: 5, first: 1000 })), "{gap:?}");
    assert_eq!(say(&log, "a"), 1000);
    log.set_first_seq(10).unwrap();
    assert_eq!(say(&log, "b"), 1001);
    log.set_first_seq(2000).unwrap();
    assert_eq!(say(&log, "c"), 2000);
    for machine in [disk.killed(), disk.killed()] {
        let store = open(&machine);
        let log = thread(&store);
        assert_eq!(texts(&log, 999), ["a", "b", "c"]);
        assert_eq!(log.last_seq(), 2000);
        store.close().unwrap();
    }
}

#[test]
fn an_unknown_thread_is_not_created_by_asking() {
    let disk = Simulated::new();
    let store = open(&disk);
    assert!(store.find(&"other".into()).unwrap().is_none());
    say(&thread(&store), "x");
    assert!(store.find(&"t".into()).unwrap().is_some());
    assert_eq!(store.threads().unwrap(), ["t".into()]);
}
