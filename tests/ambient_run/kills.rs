//! `kill -9` of `ambient run` at random points.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader},
    thread,
    time::Duration,
};

use serde_json::Value;

use crate::{
    chance::Chance,
    rig::{Folder, session},
};

const SPAN: Duration = Duration::from_millis(260);

#[test]
fn ambient_run_killed_at_forty_points_never_starts_a_run_twice() {
    let mut chance = Chance::new();
    let mut in_turn = 0;
    for _ in 0..40 {
        let folder = Folder::new();
        folder.write("s.yaml", &session("deltas 200 paced 1000"));
        let seen = killed(&folder, chance.up_to(SPAN));
        let again = folder.ambient(&["run", "s.yaml", "-o", "json"]);
        let list: Value = serde_json::from_str(&again.out).unwrap_or_else(|_| panic!("{}", again.err));
        let status = &list["items"][1]["status"];
        let reason = status["outcome"]["reason"].as_str().unwrap().to_owned();
        assert!(["Completed", "RunnerLost"].contains(&reason.as_str()), "{reason}");
        in_turn += usize::from(reason == "RunnerLost");
        kept(&folder, &seen);
    }
    assert!(in_turn >= 30, "the kills hit turns: {in_turn}");
    println!("40 kills of ambient run, {in_turn} of them in mid-turn");
}

/// Starts the session, kills it so long after its first event, and tells what it had said.
fn killed(folder: &Folder, after: Duration) -> Vec<Value> {
    let mut child = folder.command(&["run", "s.yaml", "-o", "events"]).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let first = lines.next().unwrap();
    let rest = thread::spawn(move || lines.collect::<Vec<_>>());
    thread::sleep(after);
    child.kill().unwrap();
    child.wait().unwrap();
    let all = std::iter::once(first).chain(rest.join().unwrap());
    // The last line may be cut.
    all.filter_map(|line| serde_json::from_str(&line).ok()).collect()
}

/// What was seen is in the log as it was; the run started once and ended once.
fn kept(folder: &Folder, seen: &[Value]) {
    let log: BTreeMap<u64, Value> =
        folder.log().into_iter().map(|record| (record["seq"].as_u64().unwrap(), record)).collect();
    for record in seen {
        assert_eq!(log.get(&record["seq"].as_u64().unwrap()), Some(record));
    }
    let count = |kinds: &[&str]| {
        log.values().filter(|record| kinds.contains(&record["event"]["type"].as_str().unwrap())).count()
    };
    assert_eq!(count(&["RUN_STARTED"]), 1);
    assert_eq!(count(&["RUN_FINISHED", "RUN_ERROR"]), 1);
}
