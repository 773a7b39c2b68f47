//! The runner's HTTP contract, played against our runner, or against any that is named: `make contract URL=… TOKEN=…`.
//!
//! The scenarios are data (`cases/*.json`). What the original answers otherwise is marked there and explained in
//! `docs/compatibility.md`; against a foreign runner only what is `same` must hold.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "../support/bare.rs"]
mod bare;
mod document;
#[path = "../support/fake_claude.rs"]
mod fake_claude;
mod garbage;
#[path = "../support/git_server.rs"]
mod git_server;
mod play;
#[path = "../runner/rig.rs"]
#[allow(dead_code, reason = "each test binary uses its part")]
mod rig;
mod shape;
mod target;

use play::{Scenario, Verdict};

const CASES: [(&str, &str); 5] = [
    ("runs", include_str!("cases/runs.json")),
    ("settings", include_str!("cases/settings.json")),
    ("content", include_str!("cases/content.json")),
    ("repos", include_str!("cases/repos.json")),
    ("tasks", include_str!("cases/tasks.json")),
];

fn scenarios() -> Vec<Scenario> {
    let read = |(file, text): &(&str, &str)| -> Vec<Scenario> {
        serde_json::from_str(text).unwrap_or_else(|error| panic!("cases/{file}.json: {error}"))
    };
    CASES.iter().flat_map(read).collect()
}

#[tokio::test]
async fn the_contract_holds() {
    let subject = target::Subject::find().await;
    let mut failed = Vec::new();
    for scenario in scenarios() {
        let line = match subject.left_out(&scenario) {
            Some(missing) => format!("left out: needs {missing}"),
            None => match subject.target.play(&scenario).await {
                Ok(()) => "holds".to_owned(),
                Err(wrong) if subject.is_foreign && scenario.verdict != Verdict::Same => {
                    format!("differs, as docs/compatibility.md says: {wrong}")
                }
                Err(wrong) => {
                    failed.push(format!("{}: {wrong}", scenario.name));
                    format!("FAILED: {wrong}")
                }
            },
        };
        println!("{:?} | {} | {line}", scenario.verdict, scenario.name);
    }
    assert!(failed.is_empty(), "{} scenarios failed:\n{}", failed.len(), failed.join("\n"));
}
