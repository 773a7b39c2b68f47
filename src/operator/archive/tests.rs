//! A bucket in memory, and operators whose buffers come and go.

use std::{path::Path as Dir, sync::Arc, time::Duration};

use futures_util::TryStreamExt;
use object_store::{ObjectStore, ObjectStoreExt, memory::InMemory, path::Path};
use serde_json::json;
use tokio::time::timeout;

use super::{Bucket, paths};
use crate::{
    agui::Id,
    api::outcome::OutcomeReason,
    eventlog::{LogError, Record, Seq, ThreadLog},
    operator::{history::History, keeping::Keeping, kept::Kept},
};

mod flaky;
use flaky::Flaky;

pub(super) const UID: &str = "0d184141-1707";
/// More than any of this takes.
const LIMIT: Duration = Duration::from_mins(1);

pub(super) fn owner() -> Kept {
    Kept { namespace: "team".into(), name: "s1".into(), ..Kept::default() }
}

pub(super) fn thread() -> Id {
    Id::from("a/thread of any name")
}

pub(super) fn record(seq: Seq, run: &str, kind: &str) -> Record {
    let event = match kind {
        "RAW" => json!({ "type": kind, "event": { "text": "ü \"quoted\"\n", "seq": seq } }),
        kind => json!({ "type": kind, "threadId": thread(), "runId": run }),
    };
    Record { seq, run_id: Id::from(run), at: 5, event: serde_json::from_value(event).unwrap() }
}

/// A whole run: its numbers are 1 to 4.
pub(super) fn run(name: &str, first: Seq) -> Vec<Record> {
    let kinds = ["RUN_STARTED", "RAW", "RAW", "RUN_FINISHED"];
    kinds.iter().zip(first..).map(|(kind, seq)| record(seq, name, kind)).collect()
}

pub(super) async fn operator(dir: &Dir, bucket: &Bucket) -> History {
    let history = History::open(dir, Some(bucket.clone())).unwrap();
    timeout(LIMIT, history.restore()).await.unwrap().unwrap();
    history
}

pub(super) fn keep(history: &History, records: &[Record]) -> Keeping {
    let keeping = history.keeping(&owner(), UID, &thread()).unwrap();
    for record in records {
        assert!(keeping.log.copy(record).unwrap());
    }
    keeping
}

/// Until everything is uploaded.
pub(super) async fn uploaded(keeping: &Keeping) {
    if let Some(later) = keeping.clone().later(keeping.log.last_seq()) {
        timeout(LIMIT, later.comes()).await.expect("the events are uploaded");
    }
}

pub(super) fn lines(log: &ThreadLog) -> Vec<u8> {
    let (mut reader, mut lines) = (log.reader(log.first_seq().saturating_sub(1)), Vec::new());
    while let Some(chunk) = reader.try_next().unwrap() {
        chunk.records().for_each(|record| record.write_json(&mut lines));
    }
    lines
}

pub(super) fn kept(history: &History) -> Vec<u8> {
    lines(&history.find(UID, &thread()).unwrap().expect("the thread is restored"))
}

async fn names(store: &InMemory) -> Vec<String> {
    store.list(None).map_ok(|object| object.location.to_string()).try_collect().await.unwrap()
}

fn memory() -> (Arc<InMemory>, Bucket) {
    let store = Arc::new(InMemory::new());
    (Arc::clone(&store), Bucket::new(store))
}

pub(super) async fn end(history: History) {
    timeout(LIMIT, history.finish()).await.expect("everything is uploaded");
    history.close();
}

/// Uploads, loses the buffer, restores; forgets, and finds nothing.
pub(super) async fn round_trip(bucket: &Bucket) {
    let dirs = [(); 3].map(|()| tempfile::tempdir().unwrap());
    let history = operator(dirs[0].path(), bucket).await;
    let keeping = keep(&history, &[run("r1", 1), run("r2", 9)].concat());
    history.keep_for(UID, Some(60)).unwrap();
    timeout(LIMIT, keeping.end_is_safe(&Id::from("r2"))).await.unwrap().unwrap();
    let before = lines(&keeping.log);
    drop(keeping);
    end(history).await;

    let history = operator(dirs[1].path(), bucket).await;
    assert_eq!(String::from_utf8(kept(&history)), String::from_utf8(before));
    let session = history.session(UID).unwrap();
    assert_eq!((session.name.as_str(), session.retention, session.threads), ("s1", Some(60), vec![thread()]));
    uploaded(&keep(&history, &run("r3", 20))).await;
    history.forget(UID).unwrap();
    end(history).await;

    let history = operator(dirs[2].path(), bucket).await;
    assert_eq!(history.session(UID), None);
    end(history).await;
}

/// Two operators that go on from the same number, each in its own way.
pub(super) async fn fence(bucket: &Bucket) {
    let dirs = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let one = operator(dirs[0].path(), bucket).await;
    uploaded(&keep(&one, &run("r1", 1))).await;
    let other = operator(dirs[1].path(), bucket).await;
    uploaded(&keep(&one, &run("r2", 9))).await;
    let late = keep(&other, &run("r3", 9));
    let object = timeout(LIMIT, other.taken()).await.expect("the other one is told");
    assert!(object.contains("/00000000000000000009.jsonl of "), "{object}");
    assert!(late.clone().later(9).is_some(), "nothing of it is safe");
    drop(late);
    other.close();
    // It goes on from what the first one has written.
    let other = operator(dirs[1].path(), bucket).await;
    assert_eq!(kept(&other), kept(&one));
    other.close();
    end(one).await;
}

#[tokio::test]
async fn what_was_uploaded_comes_back_into_an_empty_buffer_as_it_was_and_goes_when_it_is_forgotten() {
    let (store, bucket) = memory();
    round_trip(&bucket).await;
    assert_eq!(names(&store).await, Vec::<String>::new());
}

#[tokio::test]
async fn a_directory_as_a_url_does_as_well() {
    let dir = tempfile::tempdir().unwrap();
    let bucket = Bucket::of(&format!("file://{}", dir.path().join("kept").display()), []).unwrap();
    round_trip(&bucket).await;
    fence(&bucket).await;
}

#[tokio::test]
async fn of_two_operators_that_write_the_one_that_comes_second_ends() {
    fence(&memory().1).await;
}

#[tokio::test]
async fn what_was_only_in_the_buffer_is_uploaded_by_the_next_operator() {
    let (_, bucket) = memory();
    let dir = tempfile::tempdir().unwrap();
    let directory = History::open(dir.path(), None).unwrap();
    keep(&directory, &run("r1", 1));
    directory.close();
    let history = operator(dir.path(), &bucket).await;
    end(history).await;
    let empty = tempfile::tempdir().unwrap();
    let history = operator(empty.path(), &bucket).await;
    assert_eq!(history.cursors(UID).unwrap()[&thread()], 4);
    end(history).await;
}

#[tokio::test]
async fn a_buffer_that_another_operator_has_outrun_takes_what_is_missing() {
    let (_, bucket) = memory();
    let dirs = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let one = operator(dirs[0].path(), &bucket).await;
    uploaded(&keep(&one, &run("r1", 1))).await;
    end(one).await;
    let other = operator(dirs[1].path(), &bucket).await;
    uploaded(&keep(&other, &run("r2", 9))).await;
    uploaded(&keep(&other, &run("r3", 13))).await;
    let all = kept(&other);
    end(other).await;
    let one = operator(dirs[0].path(), &bucket).await;
    assert_eq!(kept(&one), all);
    end(one).await;
}

#[tokio::test]
async fn while_the_store_refuses_nothing_is_safe_and_no_run_is_over_then_all_is() {
    let flaky = Arc::new(Flaky::default());
    let bucket = Bucket::new(Arc::clone(&flaky) as Arc<dyn ObjectStore>);
    let dir = tempfile::tempdir().unwrap();
    let history = operator(dir.path(), &bucket).await;
    flaky.refuse(true);
    let keeping = keep(&history, &run("r1", 1)[..3]);
    history.end(UID, &thread(), &Id::from("r1"), (OutcomeReason::Evicted, "The node is gone.")).await.unwrap();
    timeout(LIMIT, flaky.refused(2)).await.expect("it is asked again");
    assert_eq!(keeping.safe().await.unwrap(), 0);
    let later = history.unsafe_end(UID, &thread(), &Id::from("r1")).unwrap().expect("its end could be lost");
    flaky.refuse(false);
    timeout(LIMIT, later.comes()).await.expect("it is uploaded");
    assert_eq!(keeping.safe().await.unwrap(), keeping.log.last_seq());
    assert!(history.unsafe_end(UID, &thread(), &Id::from("r1")).unwrap().is_none());
    drop(keeping);
    end(history).await;
}

#[tokio::test]
async fn a_damaged_object_stops_its_thread_alone_and_is_named() {
    let (store, bucket) = memory();
    let dirs = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let history = operator(dirs[0].path(), &bucket).await;
    let other = Id::from("other");
    uploaded(&keep(&history, &run("r1", 1))).await;
    let kept = history.keeping(&owner(), UID, &other).unwrap();
    kept.log.copy(&record(1, "r2", "RUN_STARTED")).unwrap();
    uploaded(&kept).await;
    drop(kept);
    end(history).await;
    let piece = paths::piece(&Path::from("events"), UID, &paths::thread(&thread()), 1);
    store.put(&piece, "{\"thread\":".into()).await.unwrap();
    let history = operator(dirs[1].path(), &bucket).await;
    let error = history.find(UID, &thread()).unwrap_err();
    assert!(matches!(&error, LogError::Corrupt { offset: 0, .. }), "{error}");
    assert!(error.to_string().contains(piece.as_ref()), "{error}");
    assert!(history.log(&owner(), UID, &thread()).is_err());
    assert_eq!(history.find(UID, &other).unwrap().unwrap().last_seq(), 1);
    end(history).await;
}

#[tokio::test]
async fn long_threads_go_in_pieces_and_records_that_follow_each_other_go_together() {
    let (store, bucket) = memory();
    let dir = tempfile::tempdir().unwrap();
    let history = operator(dir.path(), &bucket).await;
    let large = |seq: Seq| {
        let text = "x".repeat(100 * 1024);
        let event = serde_json::from_value(json!({ "type": "RAW", "event": text })).unwrap();
        Record { event, ..record(seq, "r1", "RAW") }
    };
    let all: Vec<Record> = std::iter::once(record(1, "r1", "RUN_STARTED")).chain((2..=8).map(large)).collect();
    uploaded(&keep(&history, &all)).await;
    let prefix = Path::from("events");
    let at = |first| paths::piece(&prefix, UID, &paths::thread(&thread()), first);
    for first in [1, 5, 8] {
        store.head(&at(first)).await.unwrap();
    }
    assert_eq!(names(&store).await.len(), 4);
    end(history).await;
}
