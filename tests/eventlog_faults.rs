//! A full disk, a disk that fails, and how often the disk is bothered.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod eventlog_support;

use std::{sync::Arc, time::Duration};

use ambient::eventlog::{LogError, Options, Store, write_atomic};
use eventlog_support::{finished, say, simulated::Simulated, sync, text, texts, thread, tiny, wait};

fn open(disk: &Simulated) -> Store {
    Store::open("/data", tiny(Arc::new(disk.clone()))).unwrap()
}

#[test]
fn on_a_full_disk_nothing_half_written_is_visible_and_writing_goes_on_when_there_is_space() {
    for free in 0..700 {
        let disk = Simulated::new();
        let store = open(&disk);
        let log = thread(&store);
        say(&log, "before");
        disk.set_capacity(Some(disk.used() + free));
        let batch: Vec<_> = (0..8).map(|n| text(&n.to_string())).collect();
        let appended = log.append(&"r".into(), 1, &batch);
        let Err(LogError::DiskFull { dir }) = &appended else { panic!("{free}: {appended:?}") };
        assert!(dir.starts_with("/data"));
        assert_eq!(texts(&log, 0), ["before"]);
        assert_eq!(log.last_seq(), 1);
        assert_eq!(texts(&thread(&open(&disk.killed())), 0), ["before"]);
        disk.set_capacity(None);
        assert_eq!(say(&log, "after"), 2);
        assert_eq!(texts(&log, 0), ["before", "after"]);
        assert_eq!(texts(&thread(&open(&disk.killed())), 0), ["before", "after"]);
    }
}

#[test]
fn the_last_event_of_a_run_is_written_on_a_full_disk() {
    let disk = Simulated::new();
    let store = open(&disk);
    let log = thread(&store);
    say(&log, "before");
    sync(&log).unwrap();
    disk.set_capacity(Some(disk.used()));
    assert!(matches!(log.append(&"r".into(), 1, &[text("x")]), Err(LogError::DiskFull { .. })));
    log.append_reserved(&"r".into(), 1, &[finished("r")]).unwrap();
    sync(&log).unwrap();
    assert!(log.run(&"r".into()).unwrap().ended);
    assert!(thread(&open(&disk.power_cut(1))).run(&"r".into()).unwrap().ended);
}

#[test]
fn the_message_of_a_full_disk_says_what_to_do() {
    let disk = Simulated::new();
    let log = thread(&open(&disk));
    say(&log, "before");
    disk.set_capacity(Some(0));
    let error = log.append(&"r".into(), 1, &[text("x")]).unwrap_err().to_string();
    assert!(error.starts_with("disk full: free space at /data/threads/t-"), "{error}");
}

#[test]
fn a_full_disk_refuses_an_input_and_keeps_the_accepted_ones() {
    let disk = Simulated::new();
    let log = thread(&open(&disk));
    let input = serde_json::value::to_raw_value(&"hello").unwrap();
    assert!(wait(log.accept(&"a".into(), 1, &input)).unwrap());
    disk.set_capacity(Some(disk.used() + 10));
    let refused = wait(log.accept(&"b".into(), 1, &input));
    assert!(matches!(refused, Err(LogError::DiskFull { .. })), "{refused:?}");
    let log = thread(&open(&disk.killed()));
    assert_eq!(log.pending().len(), 1);
}

#[test]
fn after_a_failed_sync_the_log_takes_nothing_more() {
    let disk = Simulated::new();
    let store = open(&disk);
    let log = thread(&store);
    say(&log, "synced");
    sync(&log).unwrap();
    say(&log, "doubtful");
    disk.fail_syncs();
    let mut reader = log.reader(2);
    let waiting = wait(async {
        let waiting = tokio::spawn(async move { reader.next().await });
        let failed = log.sync().await.unwrap_err();
        assert!(matches!(&failed, LogError::Failed { .. }), "{failed}");
        waiting.await.unwrap()
    });
    assert!(matches!(waiting, Err(LogError::Failed { .. })));
    let refused = log.append(&"r".into(), 1, &[text("x")]);
    assert!(matches!(&refused, Err(LogError::Failed { reason, .. }) if reason.contains("broken")));
    assert!(matches!(sync(&log), Err(LogError::Failed { .. })));
    assert!(store.close().is_err());
}

#[test]
fn concurrent_waits_share_one_sync() {
    let disk = Simulated::new();
    let options =
        Options { segment_bytes: 1 << 20, grant_step: 1000, reserve_bytes: 0, ..tiny(Arc::new(disk.clone())) };
    let store = Store::open("/data", options).unwrap();
    let log = thread(&store);
    for n in 0..100 {
        say(&log, &n.to_string());
    }
    let before = disk.syncs();
    wait(async {
        let waits: Vec<_> = (0..100)
            .map(|_| {
                let log = log.clone();
                tokio::spawn(async move { log.sync().await })
            })
            .collect();
        for wait in waits {
            wait.await.unwrap().unwrap();
        }
    });
    assert_eq!(disk.syncs() - before, 1);
}

#[test]
fn what_is_appended_is_synced_soon_without_anybody_asking_and_then_nothing_happens() {
    let disk = Simulated::new();
    let options = Options {
        sync_delay: Duration::from_millis(25),
        segment_bytes: 1 << 20,
        grant_step: 1 << 16,
        ..tiny(Arc::new(disk.clone()))
    };
    let store = Store::open("/data", options).unwrap();
    let log = thread(&store);
    say(&log, "x");
    let before = disk.syncs();
    let wait_until = std::time::Instant::now() + Duration::from_secs(10);
    while disk.syncs() == before && std::time::Instant::now() < wait_until {
        std::thread::sleep(Duration::from_millis(1));
    }
    assert_eq!(texts(&thread(&open(&disk.power_cut(1))), 0), ["x"]);
    let after = disk.syncs();
    std::thread::sleep(Duration::from_millis(200));
    assert_eq!(disk.syncs(), after, "an idle log is left alone");
}

#[test]
fn a_small_file_is_replaced_as_a_whole() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("sessions.json");
    write_atomic(&path, b"a long first content").unwrap();
    write_atomic(&path, b"second").unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), b"second");
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    let nowhere = write_atomic(&dir.path().join("missing/x"), b"x").unwrap_err();
    assert_eq!(nowhere.kind(), std::io::ErrorKind::NotFound);
}
