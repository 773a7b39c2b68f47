//! What the event log's tests share: events, small options, ways to read everything.
#![allow(dead_code, reason = "every test binary uses a part")]

pub(crate) mod model;
pub(crate) mod simulated;

use std::{future::Future, sync::Arc, time::Duration};

use ambient::{
    agui::{Event, EventKind, Id},
    eventlog::{Chunk, LogError, Options, Reader, Seq, Storage, Store, ThreadLog},
};

/// Nothing in these tests takes this long unless it hangs.
pub(crate) const LIMIT: Duration = Duration::from_mins(1);

/// Options so small that a few events rotate segments and overflow the ring, and nothing is synced unasked.
pub(crate) fn tiny(storage: Arc<dyn Storage>) -> Options {
    Options {
        segment_bytes: 400,
        ring_bytes: 600,
        read_bytes: 64,
        sync_delay: Duration::from_hours(1),
        reserve_bytes: 512,
        grant_step: 8,
        journal_bytes: 200,
        first_seq: 1,
        storage,
    }
}

pub(crate) fn text(delta: &str) -> Event {
    EventKind::TextMessageContent { message_id: "m".into(), delta: delta.to_owned() }.into()
}

pub(crate) fn started(run: &str) -> Event {
    let (thread_id, run_id) = ("t".into(), run.into());
    EventKind::RunStarted { thread_id, run_id, protocol_version: None, parent_run_id: None, input: None }.into()
}

pub(crate) fn finished(run: &str) -> Event {
    let (thread_id, run_id) = ("t".into(), run.into());
    EventKind::RunFinished { thread_id, run_id, result: None, outcome: None, usage: Vec::new() }.into()
}

pub(crate) fn thread(store: &Store) -> ThreadLog {
    store.thread(&"t".into()).unwrap()
}

/// Appends one text event to run `r`.
pub(crate) fn say(log: &ThreadLog, delta: &str) -> Seq {
    log.append(&"r".into(), 7, &[text(delta)]).unwrap().start
}

/// Runs a future with a deadline.
pub(crate) fn wait<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async { tokio::time::timeout(LIMIT, future).await.unwrap() })
}

pub(crate) fn sync(log: &ThreadLog) -> Result<(), LogError> {
    wait(log.sync())
}

/// A record as tests compare it: its number, its run and its event's JSON.
pub(crate) type Seen = (Seq, Id, String);

/// The records of a chunk, checked against its frames.
pub(crate) fn seen(chunk: &Chunk) -> Vec<Seen> {
    let mut frames = Vec::new();
    let records: Vec<Seen> = chunk
        .records()
        .map(|record| {
            let event = String::from_utf8(record.event_json().to_vec()).unwrap();
            frames.extend_from_slice(format!("id: {}\ndata: {event}\n\n", record.seq()).as_bytes());
            (record.seq(), record.run_id().clone(), event)
        })
        .collect();
    assert_eq!(frames, chunk.frames, "the frames are those of the records");
    assert_eq!((records[0].0, records[records.len() - 1].0), (chunk.first, chunk.last));
    records
}

/// Everything a reader can get now.
pub(crate) fn drain(reader: &mut Reader) -> Result<Vec<Seen>, LogError> {
    let mut all = Vec::new();
    while let Some(chunk) = reader.try_next()? {
        all.extend(seen(&chunk));
    }
    Ok(all)
}

/// The texts after a number.
pub(crate) fn texts(log: &ThreadLog, after: Seq) -> Vec<String> {
    let records = drain(&mut log.reader(after)).unwrap();
    records.iter().map(|(_, _, event)| delta_of(event)).collect()
}

fn delta_of(event: &str) -> String {
    let value: serde_json::Value = serde_json::from_str(event).unwrap();
    value["delta"].as_str().unwrap_or_else(|| value["type"].as_str().unwrap()).to_owned()
}
