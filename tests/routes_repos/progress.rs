//! How clones at run time appear to readers.

use ambient::agui::{Event, EventKind};
use serde_json::{Value, json};

use crate::{
    post,
    rig::{is_text, valid},
    server, session,
};

/// What the events of clones say: what, which one, and how far it is.
fn clones(events: &[Event]) -> Vec<(String, String, String)> {
    let value = |event: &Event| match &event.kind {
        EventKind::Custom { name, value } if name == "ambient:clone" => Some(value.clone()),
        _ => None,
    };
    let text = |value: &Value, member: &str| value[member].as_str().unwrap().to_owned();
    let said = |value: Value| (text(&value, "kind"), text(&value, "name"), text(&value, "state"));
    events.iter().filter_map(value).map(said).collect()
}

fn said(kind: &str, name: &str, state: &str) -> (String, String, String) {
    (kind.to_owned(), name.to_owned(), state.to_owned())
}

#[tokio::test]
async fn a_turn_that_runs_tells_of_a_clone_at_once() {
    let (server, session) = (server().await, session());
    server.repository("flow", &[("CLAUDE.md", "flow")]);
    let runner = session.start();
    let mut turn = runner.begin("r1", "echo one; hang").await;
    let mut seen = turn.until(is_text).await;
    assert_eq!(post(&runner, "/repos/add", &json!({ "url": server.url("web") })).await.0, 200);
    assert_eq!(post(&runner, "/workflow", &json!({ "gitUrl": server.url("flow") })).await.0, 200);
    let is_last = |kind: &EventKind| matches!(kind, EventKind::Custom { value, .. } if value["kind"] == "workflow" && value["state"] == "finished");
    seen.extend(turn.until(is_last).await);
    runner.post("/interrupt", &json!({})).await;
    seen.extend(turn.rest().await);
    valid(&seen);
    let mut told = clones(&seen);
    // How often git says how far it is depends on the machine.
    told.retain(|(_, _, state)| state != "progress");
    let expected = ["repository web", "workflow flow"].map(|subject| {
        let (kind, name) = subject.split_once(' ').unwrap();
        [said(kind, name, "started"), said(kind, name, "finished")]
    });
    assert_eq!(told, expected.concat());
    assert!(clones(&runner.run("r2", "echo two").await).is_empty(), "it is told once");
}

#[tokio::test]
async fn the_next_turn_tells_how_the_clones_before_it_ended() {
    let (server, session) = (server().await, session());
    let runner = session.start();
    assert_eq!(post(&runner, "/repos/add", &json!({ "url": server.url("web") })).await.0, 200);
    assert_eq!(post(&runner, "/repos/add", &json!({ "url": server.url("missing") })).await.0, 500);
    let events = runner.run("r1", "echo one").await;
    valid(&events);
    assert_eq!(clones(&events), [said("repository", "web", "finished"), said("repository", "missing", "failed")]);
    let told = serde_json::to_string(&events).unwrap();
    assert!(told.contains("Failed to clone repository"), "with the reason: {told}");
    assert!(clones(&runner.run("r2", "echo two").await).is_empty(), "it is told once");
}
