//! Which files changed in a workspace without git.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed expectation fails the test")]

use std::{fs, os::unix::fs::symlink, path::Path, time::SystemTime};

use ambient::workspace::changes::{Bounds, Changes, Snapshot, compare};

fn take(root: &Path) -> Snapshot {
    Snapshot::take(root, &["repos"], Bounds::default()).unwrap()
}

fn write(root: &Path, path: &str, content: &str) {
    let path = root.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}

#[test]
fn new_changed_and_removed_files_are_told_apart() {
    let root = tempfile::tempdir().unwrap();
    for name in ["same", "edited", "dir/removed"] {
        write(root.path(), name, "1");
    }
    let before = take(root.path());
    write(root.path(), "edited", "2");
    write(root.path(), "new/file", "1");
    fs::remove_file(root.path().join("dir/removed")).unwrap();

    let changes = compare(&before, &take(root.path()));

    let expected = Changes {
        added: vec!["new/file".into()],
        modified: vec!["edited".into()],
        deleted: vec!["dir/removed".into()],
        count: 3,
        truncated: false,
    };
    assert_eq!(changes, expected);
}

#[test]
fn a_touched_file_with_the_same_content_is_not_modified() {
    let root = tempfile::tempdir().unwrap();
    write(root.path(), "a", "1");
    let before = take(root.path());
    let file = fs::File::options().write(true).open(root.path().join("a")).unwrap();
    file.set_modified(SystemTime::UNIX_EPOCH).unwrap();

    assert_eq!(compare(&before, &take(root.path())), Changes::default());
}

#[test]
fn a_file_too_large_to_hash_is_told_apart_by_its_times() {
    let root = tempfile::tempdir().unwrap();
    write(root.path(), "large", "12345");
    let bounds = Bounds { hashed_file: 4, ..Bounds::default() };
    let take = || Snapshot::take(root.path(), &[], bounds).unwrap();
    let before = take();
    let file = fs::File::options().write(true).open(root.path().join("large")).unwrap();
    file.set_modified(SystemTime::UNIX_EPOCH).unwrap();

    assert_eq!(compare(&before, &take()).modified, ["large"]);
}

#[test]
fn repositories_and_what_tools_make_are_left_out() {
    let root = tempfile::tempdir().unwrap();
    for name in ["repos/web/a", ".git/x", "app/node_modules/x/y", "app/target/z", "app/repos/kept"] {
        write(root.path(), name, "1");
    }

    let changes = compare(&Snapshot::default(), &take(root.path()));

    assert_eq!(changes.added, ["app/repos/kept"]);
}

#[test]
fn links_are_noticed_and_not_followed() {
    let root = tempfile::tempdir().unwrap();
    let outside = tempfile::tempdir().unwrap();
    write(outside.path(), "secret", "1");
    let before = take(root.path());
    symlink(outside.path(), root.path().join("link")).unwrap();
    symlink(".", root.path().join("loop")).unwrap();

    assert_eq!(compare(&before, &take(root.path())).added, ["link", "loop"]);
}

#[test]
fn a_pipe_does_not_block() {
    let root = tempfile::tempdir().unwrap();
    let mode = rustix::fs::Mode::from_raw_mode(0o600);
    rustix::fs::mkfifoat(rustix::fs::CWD, root.path().join("pipe"), mode).unwrap();

    assert_eq!(take(root.path()).len(), 1);
}

#[test]
fn beyond_the_bound_nothing_is_called_deleted() {
    let root = tempfile::tempdir().unwrap();
    for n in 0..10 {
        write(root.path(), &format!("f{n}"), "1");
    }
    let before = take(root.path());
    let bounds = Bounds { entries: 5, ..Bounds::default() };
    let after = Snapshot::take(root.path(), &[], bounds).unwrap();

    let changes = compare(&before, &after);

    assert!(changes.truncated && changes.deleted.is_empty(), "{changes:?}");
}

#[test]
fn very_deep_directories_end_the_walk_and_are_said_to() {
    let root = tempfile::tempdir().unwrap();
    write(root.path(), &format!("{}x", "d/".repeat(40)), "1");

    let changes = compare(&Snapshot::default(), &take(root.path()));

    assert!(changes.truncated);
    assert_eq!(changes.count, 0);
}

#[test]
fn a_snapshot_survives_a_restart() {
    let root = tempfile::tempdir().unwrap();
    write(root.path(), "a", "1");
    let before = take(root.path());

    let text = serde_json::to_string(&before).unwrap();

    assert_eq!(serde_json::from_str::<Snapshot>(&text).unwrap(), before);
}
