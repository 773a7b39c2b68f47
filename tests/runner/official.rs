//! What a live runner streams, as the official AG-UI client and the JSON Schema see it.

use std::{fs, path::Path, time::Duration};

use ambient::agui::EventKind;
use tempfile::TempDir;

use crate::{
    agui::OfficialClient,
    rig::{Runner, Session, Stream, is_text},
};

/// One thread with runs of every kind of end.
const RUNS: [(&str, &str); 6] = [
    ("full", "thinking 3; echo some text; tool 2; deltas 20"),
    ("retries", "retry; unknown; echo after a retry"),
    ("fails", "echo one; error the provider is down"),
    ("dies", "echo two; tool; die"),
    ("long", "line 200000"),
    ("nothing", ""),
];

#[tokio::test]
async fn every_stream_of_a_live_runner_passes_and_every_join_ends_like_the_log() {
    let Some(official) = OfficialClient::find() else {
        return;
    };
    let (streams, joins) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let session = Session::new();
    let runner = session.start();
    for (name, prompt) in RUNS {
        let body = runner.begin(name, prompt).await.bytes().await;
        fs::write(streams.path().join(format!("{name}.sse")), body).unwrap();
    }
    joined(&runner, joins.path(), streams.path()).await;
    let log = streams.path().join("thread.jsonl");
    fs::write(&log, records(&runner).await).unwrap();
    official.check_folder(streams.path());
    official.check_folder_ends_as_log(joins.path(), &log);
}

/// Joins a run twenty times while it goes.
async fn joined(runner: &Runner, joins: &Path, streams: &Path) {
    let mut live = runner.begin("last", "thinking 2; deltas 300 paced 300; tool; echo the end").await;
    live.until(is_text).await;
    let mut open = Vec::new();
    for _ in 0..20 {
        open.push(Stream::of(runner.get("/events/s1").await));
        // Spreads the joins over the run; what is asserted holds wherever they fall.
        tokio::time::sleep(Duration::from_millis(12)).await;
    }
    fs::write(streams.join("last.sse"), live.bytes().await).unwrap();
    for (number, mut join) in open.into_iter().enumerate() {
        // One that came after the run's end has the end in its prelude, and stays open for the next run.
        join.until(|kind| matches!(kind, EventKind::RunFinished { .. })).await;
        fs::write(joins.join(format!("{number:02}.sse")), join.raw).unwrap();
    }
}

/// The whole log, a record a line, up to the end of the last run.
async fn records(runner: &Runner) -> String {
    let mut tail = Stream::of(runner.get("/events/s1?after=0&format=record").await);
    loop {
        assert!(tail.piece().await, "the tail goes on until the client leaves");
        let lines: Vec<&str> = tail.raw.lines().filter_map(|line| line.strip_prefix("data: ")).collect();
        let ended = |line: &&&str| line.contains("\"runId\":\"last\"") && line.contains("\"RUN_FINISHED\"");
        if tail.raw.ends_with("\n\n") && lines.last().is_some_and(|line| ended(&line)) {
            return lines.join("\n") + "\n";
        }
    }
}
