//! A real process on a real disk, killed with SIGKILL while it appends.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod eventlog_support;

use std::{
    collections::{BTreeMap, BTreeSet},
    env,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use ambient::eventlog::{Options, Seq, Store, ThreadLog};
use eventlog_support::{LIMIT, drain, simulated::Dice, started, text, thread, wait};
use serde_json::value::RawValue;

const ROUNDS: u64 = 20;
const DIR: &str = "EVENTLOG_KILL_DIR";
const ROUND: &str = "EVENTLOG_KILL_ROUND";

fn options() -> Options {
    Options { segment_bytes: 20_000, ring_bytes: 10_000, ..Options::default() }
}

/// What the killed processes' readers saw, and the inputs they confirmed.
#[derive(Default)]
struct Witness {
    seen: BTreeMap<Seq, String>,
    accepted: BTreeSet<String>,
}

impl Witness {
    fn note(&mut self, line: &str) {
        let parts: Vec<&str> = line.split(' ').collect();
        match parts[..] {
            ["saw", seq, event] => {
                let before = self.seen.insert(seq.parse().unwrap(), event.to_owned());
                assert_eq!(before, None, "{seq} came back");
            }
            ["accepted", run] => drop(self.accepted.insert(run.to_owned())),
            _ => {}
        }
    }

    fn check(&self, log: &ThreadLog) {
        let records = drain(&mut log.reader(0)).unwrap();
        assert!(records.iter().map(|(seq, _, _)| *seq).eq(1..=log.last_seq()), "a hole");
        let records: BTreeMap<Seq, &str> = records.iter().map(|(seq, _, event)| (*seq, delta(event))).collect();
        for (seq, event) in &self.seen {
            assert_eq!(records.get(seq), Some(&event.as_str()), "{seq}");
        }
        let pending: BTreeSet<String> = log.pending().iter().map(|input| input.run_id.to_string()).collect();
        for run in &self.accepted {
            let started = log.run(&run.as_str().into()).is_some_and(|run| run.started);
            assert!(started != pending.contains(run), "{run}: started {started}");
        }
    }
}

/// The text of an event without spaces, or its kind.
fn delta(event: &str) -> &str {
    let part = |key: &str| event.split(key).nth(1).and_then(|rest| rest.split('"').next());
    part("\"delta\":\"").or_else(|| part("\"type\":\"")).unwrap()
}

#[test]
fn what_readers_saw_survives_kill_9() {
    let dir = tempfile::tempdir().unwrap();
    let mut witness = Witness::default();
    let mut dice = Dice(u64::from(std::process::id()));
    println!("seed {}", dice.0);
    for round in 0..ROUNDS {
        let mut child = start(dir.path(), round);
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let first = lines.find(|line| line.as_ref().unwrap().starts_with("saw")).unwrap().unwrap();
        witness.note(first.trim_end_matches(" ."));
        sleep(Duration::from_micros(dice.below(40_000) as u64));
        child.kill().unwrap();
        child.wait().unwrap();
        // The last line may be cut off in the middle: it has no end mark then.
        for line in lines.map(Result::unwrap) {
            line.strip_suffix(" .").into_iter().for_each(|line| witness.note(line));
        }
        let store = Store::open(dir.path(), options()).unwrap();
        let log = thread(&store);
        assert_eq!(log.recovery().skipped, None);
        witness.check(&log);
        if round.is_multiple_of(3) {
            store.close().unwrap();
        }
    }
    assert!(witness.seen.len() as u64 > ROUNDS * 10, "{} records", witness.seen.len());
    assert!(!witness.accepted.is_empty());
}

fn start(dir: &Path, round: u64) -> Child {
    Command::new(env::current_exe().unwrap())
        .args(["--exact", "appends_until_it_is_killed", "--ignored", "--nocapture"])
        .env(DIR, dir)
        .env(ROUND, round.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Not a test of its own: the process that is killed.
#[test]
#[ignore = "started by `what_readers_saw_survives_kill_9`"]
fn appends_until_it_is_killed() {
    let Some(dir) = env::var_os(DIR) else { return };
    let round = env::var(ROUND).unwrap();
    let store = Store::open(dir, options()).unwrap();
    let log = thread(&store);
    let mut reader = log.reader(log.last_seq());
    std::thread::spawn(move || {
        let mut out = std::io::stdout();
        wait(async {
            loop {
                let chunk = reader.next().await.unwrap();
                for record in chunk.records() {
                    let event = str::from_utf8(record.event_json()).unwrap();
                    writeln!(out, "saw {} {} .", record.seq(), delta(event)).unwrap();
                }
            }
        });
    });
    let end = Instant::now() + LIMIT;
    for n in 0.. {
        assert!(Instant::now() < end, "nobody killed it");
        let run = format!("{round}-{}", n / 50);
        if n % 50 == 0 {
            let input = RawValue::from_string("{}".to_owned()).unwrap();
            assert!(wait(log.accept(&run.as_str().into(), 1, &input)).unwrap());
            println!("accepted {run} .");
            log.append(&run.as_str().into(), 1, &[started(&run)]).unwrap();
        }
        let events = [text(&format!("{round}-{n}")), text(&format!("{round}-{n}-{}", "x".repeat(n % 300)))];
        log.append(&run.as_str().into(), 1, &events).unwrap();
    }
}
