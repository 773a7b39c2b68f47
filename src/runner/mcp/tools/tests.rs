//! The platform's own tools.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::*;
use crate::{
    agui::Id,
    bridge::tools::{Called, ToolServer},
    host::BoxFuture,
    runner::feedback::FeedbackSink,
};

#[derive(Default)]
struct Kept(Mutex<Vec<Feedback>>);

impl FeedbackSink for Kept {
    fn accept(&self, feedback: Feedback) -> bool {
        self.0.lock().unwrap().push(feedback);
        true
    }
}

async fn call(server: &dyn ToolServer, tool: &str, arguments: Value) -> Result<Called, String> {
    server.call(&Id::from("t"), tool, arguments).await
}

fn offered(server: &dyn ToolServer) -> Vec<String> {
    server.tools().into_iter().map(|tool| tool.name).collect()
}

#[tokio::test]
async fn a_correction_reaches_the_run_and_the_sink() {
    let kept = Arc::new(Kept::default());
    let server = Corrections::new(kept.clone());
    let arguments = json!({ "correction_type": "style", "agent_action": "tabs", "user_correction": "spaces" });
    let called = call(&server, "log_correction", arguments).await.unwrap();
    let payload = json!({ "correctionType": "style", "agentAction": "tabs", "userCorrection": "spaces" });
    let value = json!({ "type": "correction", "payload": payload });
    assert_eq!(called.events, [EventKind::Custom { name: "ambient:correction".to_owned(), value }.into()]);
    let feedback = kept.0.lock().unwrap().pop().unwrap();
    assert_eq!((feedback.kind, &feedback.payload), (FeedbackKind::Correction, &payload));
}

#[tokio::test]
async fn a_correction_that_says_too_little_or_too_much_is_refused_with_a_reason() {
    let kept = Arc::new(Kept::default());
    let server = Corrections::new(kept.clone());
    let whole = json!({ "correction_type": "style", "agent_action": "tabs", "user_correction": "spaces" });
    for (member, value) in [
        ("correction_type", json!("taste")),
        ("agent_action", json!("  ")),
        ("user_correction", json!("x".repeat(20_000))),
    ] {
        let mut arguments = whole.clone();
        arguments[member] = value;
        let reason = call(&server, "log_correction", arguments).await.unwrap_err();
        assert!(reason.starts_with(member), "{reason}");
    }
    assert!(call(&server, "other", json!(null)).await.is_err());
    assert!(kept.0.lock().unwrap().is_empty());
}

struct Refresher;

impl RefreshCredentials for Refresher {
    fn refresh<'a>(&'a self, thread: &'a Id) -> BoxFuture<'a, Result<String, String>> {
        Box::pin(async move { Ok(format!("github of {thread} is new")) })
    }
}

#[tokio::test]
async fn credentials_can_be_refreshed_only_where_somebody_does_it() {
    let without = SessionTools::default();
    assert_eq!(offered(&without), ["restart_session"]);
    assert!(call(&without, "refresh_credentials", json!({})).await.is_err());
    let with = SessionTools::new(Some(Arc::new(Refresher)));
    assert_eq!(offered(&with), ["refresh_credentials", "restart_session"]);
    assert_eq!(call(&with, "refresh_credentials", json!({})).await.unwrap().text, "github of t is new");
}

#[tokio::test]
async fn a_restart_is_for_the_next_turn() {
    let called = call(&SessionTools::default(), "restart_session", json!({})).await.unwrap();
    assert!(called.restart && called.events.is_empty());
}

#[tokio::test]
async fn the_rubric_is_offered_while_there_is_one() {
    let (slot, kept) = (RubricSlot::default(), Arc::new(Kept::default()));
    let server = RubricTools::new(slot.clone(), kept.clone());
    assert!(server.tools().is_empty());
    let schema = json!({ "type": "object", "properties": { "depth": { "type": "integer" } } });
    slot.set(Some(Rubric { instructions: "Be strict.".to_owned(), schema: Some(schema.clone()) }));
    let tool = server.tools().remove(0);
    assert!(tool.description.ends_with("Be strict."));
    assert_eq!(tool.parameters.unwrap()["properties"]["metadata"], schema);
    let arguments = json!({ "score": 4, "comment": "good", "metadata": { "depth": 2 } });
    let called = call(&server, "evaluate_rubric", arguments).await.unwrap();
    assert_eq!(called.events.len(), 1);
    assert_eq!(kept.0.lock().unwrap()[0].payload["score"], 4.0);
    for wrong in
        [json!({}), json!({ "score": "4", "comment": "x" }), json!({ "score": 4, "comment": "x", "metadata": 1 })]
    {
        assert!(call(&server, "evaluate_rubric", wrong).await.is_err());
    }
    slot.set(None);
    assert!(server.tools().is_empty());
}

#[test]
fn a_workflows_rubric_is_read_from_both_of_its_places_and_never_through_a_link() {
    let dir = tempfile::TempDir::new().unwrap();
    assert_eq!(Rubric::of_workflow(dir.path()), None);
    let ambient = dir.path().join(".ambient");
    std::fs::create_dir(&ambient).unwrap();
    std::fs::write(
        ambient.join("ambient.json"),
        r#"{"rubric": {"activationPrompt": "At the end.", "schema": {"type": "object"}}}"#,
    )
    .unwrap();
    std::fs::write(ambient.join("rubric.md"), "# Rubric\n").unwrap();
    let rubric = Rubric::of_workflow(dir.path()).unwrap();
    assert_eq!(rubric.instructions, "At the end.\n\n# Rubric");
    assert_eq!(rubric.schema, Some(json!({ "type": "object" })));
    std::fs::remove_file(ambient.join("rubric.md")).unwrap();
    std::os::unix::fs::symlink("/etc/passwd", ambient.join("rubric.md")).unwrap();
    assert_eq!(Rubric::of_workflow(dir.path()).unwrap().instructions, "At the end.");
}
