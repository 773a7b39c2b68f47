use proptest::prelude::*;

use super::*;
use crate::eventlog::Record;

const UID: &str = "0d184141-1707";

fn owner() -> Kept {
    Kept { namespace: "team".into(), name: "s1".into(), ..Kept::default() }
}

fn record(seq: Seq, run: &str, kind: EventKind) -> Record {
    Record { seq, run_id: Id::from(run), at: 5, event: kind.into() }
}

fn started(seq: Seq, run: &str) -> Record {
    let kind = json!({"type": "RUN_STARTED", "threadId": "t", "runId": run});
    Record { seq, run_id: Id::from(run), at: 5, event: serde_json::from_value(kind).unwrap() }
}

fn ended(seq: Seq, run: &str) -> Record {
    let kind = json!({"type": "RUN_FINISHED", "threadId": "t", "runId": run});
    Record { seq, run_id: Id::from(run), at: 6, event: serde_json::from_value(kind).unwrap() }
}

fn raw(seq: Seq, run: &str) -> Record {
    record(seq, run, EventKind::Custom { name: "x".into(), value: json!(seq) })
}

fn seqs(log: &ThreadLog) -> Vec<Seq> {
    let mut reader = log.reader(log.first_seq().saturating_sub(1));
    let mut seqs = Vec::new();
    while let Some(chunk) = reader.try_next().unwrap() {
        seqs.extend(chunk.records().map(|record| record.seq()));
    }
    seqs
}

#[tokio::test]
async fn a_run_whose_pod_is_gone_has_one_end_and_a_gap_and_its_late_words_are_not_taken() {
    let dir = tempfile::tempdir().unwrap();
    let history = History::open(dir.path(), None).unwrap();
    let (thread, run) = (Id::from("t"), Id::from("r"));
    let log = history.log(&owner(), UID, &thread).unwrap();
    log.copy(&started(1, "r")).unwrap();
    history.end(UID, &thread, &run, (OutcomeReason::Evicted, "The node is gone.")).await.unwrap();
    history.end(UID, &thread, &run, (OutcomeReason::RunnerLost, "Again.")).await.unwrap();
    assert!(!log.copy(&ended(9, "r")).unwrap());
    let end = 2 + MARGIN;
    assert_eq!(seqs(&log), [1, end, end + 1, end + 2]);
    let mut reader = log.reader(end - 1);
    let gap = reader.try_next().unwrap().unwrap().records().next().unwrap().event().unwrap();
    let EventKind::Custom { name, value } = gap.kind else { panic!("{gap:?}") };
    assert_eq!((name.as_str(), value), (GAP, json!({"from": 2, "to": end - 1})));
    let status = history.fold(UID, &thread, &run).unwrap().unwrap().status();
    assert_eq!(status.outcome.unwrap().reason, OutcomeReason::Evicted);
}

#[test]
fn logs_are_found_again_by_the_uid_and_a_new_pod_begins_beyond_them() {
    let dir = tempfile::tempdir().unwrap();
    let thread = Id::from("a/../thread of any name");
    let history = History::open(dir.path(), None).unwrap();
    assert_eq!(history.first_seq(UID).unwrap(), None);
    history.log(&owner(), UID, &thread).unwrap().copy(&started(7, "r")).unwrap();
    history.close();
    drop(history);
    let history = History::open(dir.path(), None).unwrap();
    let kept = history.session(UID).unwrap();
    assert_eq!((kept.name.as_str(), &kept.threads), ("s1", &vec![thread.clone()]));
    assert_eq!(history.cursors(UID).unwrap()[&thread], 7);
    assert_eq!(history.first_seq(UID).unwrap(), Some(7 + MARGIN));
    assert_eq!(history.session("../../etc"), None);
    assert_eq!(history.session("unknown"), None);
}

#[test]
fn a_run_is_found_by_its_uid_in_its_namespace_also_after_a_restart_and_the_oldest_give_way() {
    let dir = tempfile::tempdir().unwrap();
    let run = |number: usize| KeptRun { uid: format!("run-{number}"), thread: Id::from("t"), id: Id::from("r") };
    let history = History::open(dir.path(), None).unwrap();
    history.log(&Kept { runs: vec![run(0)], ..owner() }, UID, &Id::from("t")).unwrap();
    history.log(&owner(), UID, &Id::from("another")).unwrap();
    history.note("never-was", &run(1)).unwrap();
    history.close();
    drop(history);
    let history = History::open(dir.path(), None).unwrap();
    assert_eq!(history.run("team", "run-0"), Some((UID.to_owned(), run(0))));
    assert_eq!((history.run("other", "run-0"), history.run("team", "run-1")), (None, None));
    let mut kept = history.session(UID).unwrap();
    (1..1000).for_each(|number| kept.note(&run(number)));
    assert_eq!((kept.runs.len(), &kept.runs[0]), (500, &run(500)));
}

#[test]
fn what_is_forgotten_is_gone_from_the_disk_and_readers_are_told() {
    let dir = tempfile::tempdir().unwrap();
    let history = History::open(dir.path(), None).unwrap();
    let (gone, stays) = ("0d184141-1707", "1e184141-1707");
    let log = history.log(&owner(), gone, &Id::from("t")).unwrap();
    log.copy(&started(1, "r")).unwrap();
    history.log(&owner(), stays, &Id::from("t")).unwrap().copy(&started(1, "r")).unwrap();
    history.is_gone(gone, Timestamp::UNIX_EPOCH).unwrap();
    assert_eq!(history.uids().len(), 2);
    history.forget(gone).unwrap();
    assert_eq!(history.uids(), [stays]);
    assert_eq!(history.session(gone), None);
    assert!(history.find(gone, &Id::from("t")).unwrap().is_none());
    assert!(log.copy(&raw(2, "r")).is_err());
    assert_eq!(std::fs::read_dir(dir.path().join("threads")).unwrap().count(), 1);
    history.forget("never-was").unwrap();
}

#[test]
fn threads_that_come_at_once_are_all_known_and_a_broken_file_is_no_others_trouble() {
    let dir = tempfile::tempdir().unwrap();
    let history = History::open(dir.path(), None).unwrap();
    std::thread::scope(|scope| {
        for number in 0..8 {
            let history = &history;
            scope.spawn(move || history.log(&owner(), UID, &Id::from(format!("t{number}"))).unwrap());
        }
    });
    history.keep_for(UID, Some(5)).unwrap();
    history.keep_for("never-was", Some(5)).unwrap();
    assert!(history.log(&owner(), "../../etc", &Id::from("t")).is_err());
    history.close();
    drop(history);
    std::fs::write(dir.path().join("sessions/2f184141-1707.json"), "{").unwrap();
    let history = History::open(dir.path(), None).unwrap();
    let kept = history.session(UID).unwrap();
    assert_eq!((kept.threads.len(), kept.retention), (8, Some(5)));
    assert_eq!(history.uids(), [UID]);
}

proptest! {
    /// However often a tail breaks off and begins again anywhere, every record is here once, in order.
    #[test]
    fn a_tail_that_begins_anew_anywhere_brings_every_record_once(starts in prop::collection::vec((0_u64..40, 1_usize..40), 1..12)) {
        let dir = tempfile::tempdir().unwrap();
        let history = History::open(dir.path(), None).unwrap();
        let log = history.log(&owner(), UID, &Id::from("t")).unwrap();
        let all: Vec<Record> = std::iter::once(started(1, "r")).chain((2..=40).map(|seq| raw(seq, "r"))).collect();
        for (back, many) in starts {
            let from = usize::try_from(log.last_seq().saturating_sub(back)).unwrap();
            for record in all.iter().skip(from).take(many) {
                log.copy(record).unwrap();
            }
        }
        let last = log.last_seq();
        prop_assert_eq!(seqs(&log), (1..=last).collect::<Vec<_>>());
    }
}
