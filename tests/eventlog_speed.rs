//! How fast appending is. Run with
//! `cargo test --release --test eventlog_speed -- --ignored --nocapture`.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod eventlog_support;

use std::{hint::black_box, time::Instant};

use ambient::{
    agui::{Event, Id},
    eventlog::{Options, Store},
};
use eventlog_support::{text, thread, wait};

/// Microseconds for each event, appended in batches.
fn append(events: usize, batch: usize) -> f64 {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path(), Options::default()).unwrap();
    let log = thread(&store);
    let run: Id = "7c9e6679-7425-40de-944b-e07fc1f90ae7".into();
    let deltas: Vec<Event> = (0..batch).map(|n| text(&format!("some words {n} "))).collect();
    log.append(&run, 1, &deltas).unwrap();
    let begin = Instant::now();
    for _ in 0..events / batch {
        black_box(log.append(&run, 1_700_000_000_000, &deltas).unwrap());
    }
    per_event(begin, events)
}

/// Microseconds for each write of about a record's size, one pwrite each: what the system itself takes.
fn write_only(events: usize) -> f64 {
    use std::os::unix::fs::FileExt;
    let file = tempfile::tempfile().unwrap();
    let begin = Instant::now();
    for n in 0..events {
        file.write_all_at(&[b'x'; 180], n as u64 * 180).unwrap();
    }
    per_event(begin, events)
}

fn per_event(begin: Instant, events: usize) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a few hundred thousand")]
    let events = events as f64;
    begin.elapsed().as_secs_f64() * 1e6 / events
}

#[test]
#[ignore = "a measurement, for release builds"]
fn appending() {
    println!("a write alone          {:6.2} µs", write_only(200_000));
    for batch in [1, 8, 64, 512] {
        println!("batches of {batch:3}         {:6.2} µs an event", append(200_000, batch));
    }
    println!("100,000 / 1,000,000    {:6.2}", append(1_000_000, 64) / append(100_000, 64));
}

#[test]
#[ignore = "a measurement, for release builds"]
fn a_thousand_readers() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path(), Options::default()).unwrap();
    let log = thread(&store);
    let run: Id = "r".into();
    let begin = Instant::now();
    wait(async {
        let readers: Vec<_> = (0..1000)
            .map(|_| {
                let mut reader = log.reader(0);
                tokio::spawn(async move {
                    let mut bytes = 0;
                    while reader.cursor() < 20_000 {
                        bytes += reader.next().await.unwrap().frames.len();
                    }
                    bytes
                })
            })
            .collect();
        let writer = log.clone();
        let appending = tokio::task::spawn_blocking(move || {
            let begin = Instant::now();
            for n in 0..20_000 {
                writer.append(&run, 1, &[text(&format!("some words {n} "))]).unwrap();
            }
            per_event(begin, 20_000)
        });
        println!("append beside readers  {:6.2} µs an event", appending.await.unwrap());
        for reader in readers {
            assert!(reader.await.unwrap() > 20_000);
        }
    });
    println!("all read after         {:6.0} ms", begin.elapsed().as_secs_f64() * 1e3);
}
