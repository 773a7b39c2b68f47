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
    claude::{TALKS, claude},
    model::Model,
    rig::Folder,
};

#[test]
fn ambient_run_killed_at_forty_points_never_starts_a_run_twice() {
    let asking = || Folder::asking("deltas 250 paced 1000");
    kill(40, asking, Duration::from_millis(260));
}

#[test]
fn ambient_run_of_the_real_cli_killed_at_eight_points_asks_the_model_nothing_twice() {
    let Some(cli) = claude() else { return };
    let model = Model::start(TALKS);
    kill(8, || Folder::asking("work").agent(&cli, &model.url), Duration::from_secs(2));
    let asked = model.conversations().len();
    assert!(asked <= 8, "{asked} requests");
}

/// Kills so many first runs, and checks what the second ones say of them.
fn kill(rounds: usize, asking: impl Fn() -> Folder, span: Duration) {
    let mut chance = Chance::new();
    let mut in_turn = 0;
    for _ in 0..rounds {
        let folder = asking();
        let seen = killed(&folder, chance.up_to(span));
        let again = folder.ambient(&["run", "s.yaml", "-o", "json"]);
        let list: Value = serde_json::from_str(&again.out).unwrap_or_else(|_| panic!("{}", again.err));
        let status = &list["items"][1]["status"];
        let reason = status["outcome"]["reason"].as_str().unwrap().to_owned();
        assert!(["Completed", "RunnerLost"].contains(&reason.as_str()), "{reason}");
        in_turn += usize::from(reason == "RunnerLost");
        kept(&folder, &seen);
    }
    assert!(in_turn >= rounds * 3 / 4, "the kills hit turns: {in_turn}");
    println!("{rounds} kills of ambient run, {in_turn} of them in mid-turn");
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
