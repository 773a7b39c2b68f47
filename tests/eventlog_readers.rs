//! Many readers, slow readers, readers that come back.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod eventlog_support;

use std::{sync::Arc, time::Duration};

use ambient::{
    agui::EventKind,
    eventlog::{Chunk, Disk, Format, LogError, Options, Reader, RecordRef, Seq, Store},
};
use eventlog_support::{drain, finished, say, seen, simulated::Simulated, started, text, texts, thread, tiny, wait};

fn simulated() -> Store {
    Store::open("/data", tiny(Arc::new(Simulated::new()))).unwrap()
}

/// Reads up to a number; every record must be the next.
async fn read_to(mut reader: Reader, last: Seq, pause: Option<Duration>) -> Vec<Seq> {
    let mut sums = Vec::new();
    let mut expected = reader.cursor() + 1;
    while reader.cursor() < last {
        let chunk = reader.next().await.unwrap();
        for record in chunk.records() {
            assert_eq!(record.seq(), expected);
            expected += 1;
            sums.push(record.event_json().len() as Seq);
        }
        if let Some(pause) = pause {
            tokio::time::sleep(pause).await;
        }
    }
    sums
}

#[test]
fn a_thousand_readers_of_one_run_lose_no_event() {
    const EVENTS: usize = 1000;
    let dir = tempfile::tempdir().unwrap();
    // A ring and segments that the run overflows many times, so that late readers come from the files.
    let options = Options { ring_bytes: 20 << 10, segment_bytes: 50 << 10, ..Options::default() };
    let store = Store::open(dir.path(), options).unwrap();
    let log = thread(&store);
    wait(async {
        let readers: Vec<_> = (0..1000_u64)
            .map(|n| {
                let pause = n.is_multiple_of(100).then(|| Duration::from_millis(n / 100));
                tokio::spawn(read_to(log.reader(0), EVENTS as Seq, pause))
            })
            .collect();
        let writer = log.clone();
        tokio::task::spawn_blocking(move || {
            let run = "r".into();
            writer.append(&run, 1, &[started("r")]).unwrap();
            for n in 0..(EVENTS - 2) / 2 {
                let delta = "word ".repeat(n % 20 + 1);
                writer.append(&run, 1, &[text(&delta), text("x")]).unwrap();
            }
            writer.append(&run, 1, &[finished("r")]).unwrap();
        })
        .await
        .unwrap();
        let expected = read_to(log.reader(0), EVENTS as Seq, None).await;
        assert_eq!(expected.len(), EVENTS);
        for reader in readers {
            assert_eq!(reader.await.unwrap(), expected);
        }
    });
}

#[test]
fn a_reader_from_every_cursor_reads_the_rest_in_order() {
    let store = simulated();
    let log = thread(&store);
    for n in 0..60 {
        say(&log, &n.to_string());
    }
    for after in 0..=60_usize {
        let expected: Vec<String> = (after..60).map(|n| n.to_string()).collect();
        assert_eq!(texts(&log, after as Seq), expected);
    }
}

#[test]
fn records_read_from_files_and_from_memory_are_the_same() {
    let store = simulated();
    let log = thread(&store);
    let mut live = log.reader(0);
    let mut from_memory = Vec::new();
    for n in 0..60 {
        log.append(&format!("run \"{}\"", n / 7).into(), n, &[text("ä\n"), text("b")]).unwrap();
        from_memory.extend(drain(&mut live).unwrap());
    }
    assert_eq!(drain(&mut log.reader(0)).unwrap(), from_memory);
}

#[test]
fn a_record_tells_everything_about_itself() {
    let store = simulated();
    let log = thread(&store);
    log.append(&"a".into(), 5, &[started("a")]).unwrap();
    log.append(&"b".into(), 6, &[text("hello"), finished("b")]).unwrap();
    let chunk = log.reader(1).try_next().unwrap().unwrap();
    let records: Vec<_> = chunk.records().collect();
    assert_eq!((records[0].run_id().as_str(), records[0].at()), ("b", 6));
    assert_eq!((records[0].kind(), records[1].kind()), ("TEXT_MESSAGE_CONTENT", "RUN_FINISHED"));
    assert!(!records[0].is_terminal() && records[1].is_terminal());
    let record = records[0].record().unwrap();
    assert!(matches!(&record.event.kind, EventKind::TextMessageContent { delta, .. } if delta == "hello"));
    let mut json = Vec::new();
    records[0].write_json(&mut json);
    assert_eq!(serde_json::from_slice::<ambient::eventlog::Record>(&json).unwrap(), record);
    assert_eq!(serde_json::to_string(&record).unwrap().as_bytes(), json);
}

#[test]
fn a_chunk_can_be_cut_where_a_run_ends() {
    let store = simulated();
    let log = thread(&store);
    log.append(&"a".into(), 5, &[text("1"), text("2"), finished("a"), text("4")]).unwrap();
    let chunk = log.reader(1).try_next().unwrap().unwrap();
    assert!(chunk.up_to(1).is_none());
    let cut = chunk.up_to(3).unwrap();
    assert_eq!(seen(&cut).iter().map(|record| record.0).collect::<Vec<_>>(), [2, 3]);
    assert_eq!(chunk.up_to(4).unwrap().len(), 3);
    let numbers = |chunk: &Chunk| seen(chunk).iter().map(|record| record.0).collect::<Vec<_>>();
    assert_eq!(numbers(&chunk.after(0).unwrap()), [2, 3, 4]);
    assert_eq!(numbers(&chunk.after(2).unwrap()), [3, 4]);
    assert!(chunk.after(4).is_none() && chunk.after(9).is_none());
    let middle = chunk.up_to(3).unwrap().after(2).unwrap();
    assert_eq!((middle.first, middle.last, numbers(&middle)), (3, 3, vec![3]));
    assert_eq!(middle.frames, chunk.records().nth(1).unwrap().frame(), "the bytes are those of its records");
}

#[test]
fn records_have_frames_too() {
    let store = simulated();
    let log = thread(&store);
    log.append(&"a".into(), 5, &[text("1"), finished("a")]).unwrap();
    let chunk = log.reader(0).try_next().unwrap().unwrap();
    let frame = |record: RecordRef<'_>| {
        let json = serde_json::to_string(&record.record().unwrap()).unwrap();
        format!("id: {}\ndata: {json}\n\n", record.seq())
    };
    let expected: String = chunk.records().map(frame).collect();
    assert_eq!(chunk.frames_as(Format::Record), expected);
}

#[test]
fn a_reader_at_the_end_waits_for_what_comes() {
    let store = simulated();
    let log = thread(&store);
    say(&log, "old");
    let mut reader = log.reader(1);
    assert!(reader.try_next().unwrap().is_none());
    let writer = log.clone();
    let chunk = wait(async move {
        let reading = tokio::spawn(async move { reader.next().await });
        tokio::task::yield_now().await;
        say(&writer, "new");
        reading.await.unwrap().unwrap()
    });
    assert_eq!((chunk.first, chunk.last), (2, 2));
}

#[test]
fn a_cursor_beyond_the_end_is_an_error() {
    let store = simulated();
    let log = thread(&store);
    say(&log, "x");
    let error = wait(log.reader(2).next()).unwrap_err();
    assert!(matches!(error, LogError::BeyondEnd { after: 2, last: 1 }), "{error}");
}

#[test]
fn a_cursor_before_the_trimmed_part_is_told_where_to_go_on() {
    let store = simulated();
    let log = thread(&store);
    for n in 0..60 {
        say(&log, &n.to_string());
    }
    log.acknowledge(30).unwrap();
    let Err(LogError::Gap { after: 3, first }) = log.reader(3).try_next() else { panic!("no gap") };
    assert!(first > 20 && first <= 31, "{first}");
    assert_eq!(log.first_seq(), first);
    assert_eq!(texts(&log, first - 1).len() as Seq, 61 - first);
}

#[test]
fn acknowledging_everything_keeps_what_is_appended_to() {
    let store = simulated();
    let log = thread(&store);
    for n in 0..60 {
        say(&log, &n.to_string());
    }
    log.acknowledge(60).unwrap();
    assert_eq!(say(&log, "next"), 61);
    assert_eq!(texts(&log, 60), ["next"]);
}

#[test]
fn readers_get_the_rest_of_a_closed_log_and_then_its_end() {
    let store = simulated();
    let log = thread(&store);
    say(&log, "last");
    let mut reader = log.reader(0);
    let mut waiting = log.reader(1);
    wait(async move {
        let waiting = tokio::spawn(async move { waiting.next().await });
        tokio::task::yield_now().await;
        store.close().unwrap();
        assert!(matches!(waiting.await.unwrap(), Err(LogError::Closed { .. })));
        assert_eq!(reader.next().await.unwrap().len(), 1);
        assert!(matches!(reader.next().await, Err(LogError::Closed { .. })));
    });
    assert!(matches!(log.append(&"r".into(), 1, &[text("x")]), Err(LogError::Closed { .. })));
}

#[test]
fn a_record_of_four_megabytes_passes_through_memory_and_files() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path(), Options::default()).unwrap();
    let log = thread(&store);
    let large = "x".repeat(4 << 20);
    say(&log, "before");
    say(&log, &large);
    for _ in 0..3 {
        say(&log, &large[..1 << 20]);
    }
    let deltas = texts(&log, 0);
    assert_eq!(deltas.iter().map(String::len).collect::<Vec<_>>(), [6, 4 << 20, 1 << 20, 1 << 20, 1 << 20]);
}

#[test]
fn a_second_process_is_told_who_has_the_directory() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path(), Options::default()).unwrap();
    let error = Store::open(dir.path(), Options::default()).unwrap_err().to_string();
    assert!(error.contains(&std::process::id().to_string()), "{error}");
    assert!(error.contains(&*dir.path().to_string_lossy()), "{error}");
    store.close().unwrap();
    Store::open(dir.path(), Options { storage: Arc::new(Disk), ..Options::default() }).unwrap();
}

#[test]
fn thread_ids_may_be_any_text() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path(), Options::default()).unwrap();
    let endless = "x".repeat(10_000);
    let ids = ["", ".", "../../etc/passwd", "a/b", "a_b", "A_b", "ä😀\0\n", &endless];
    for id in ids {
        let log = store.thread(&id.into()).unwrap();
        log.append(&"r".into(), 1, &[text(id)]).unwrap();
    }
    let mut known: Vec<String> = store.threads().unwrap().iter().map(ToString::to_string).collect();
    known.sort_unstable();
    let mut expected = ids;
    expected.sort_unstable();
    assert_eq!(known, expected);
    for id in ids {
        assert_eq!(texts(&store.thread(&id.into()).unwrap(), 0), [id]);
    }
}
