//! The same with the real CLI: what its shell has, and what its requests say.

use serde_json::json;

use crate::{
    backend::{Backend, Mood},
    claude::claude,
    model::Model,
    people::{ALICE, BOB, input, password, session},
    rig::{Stream, text},
};

const SCRIPT: &str = r#"
rules:
  - when: {prompt: home, step: 0}
    reply: [{tool: Bash, input: {command: "printf 'protocol=https\nhost=github.com\n\n' | git credential fill > alice"}}]
  - when: {prompt: settings, step: 0}
    reply: [{tool: Bash, input: {command: "printf 'protocol=https\nhost=github.com\n\n' | git credential fill > bob"}}]
  - when: {step: any}
    reply: [{text: 'done'}]
"#;

#[tokio::test]
async fn bug_03_and_bug_14_hold_with_the_real_cli() {
    let Some(cli) = claude() else { return };
    let (model, backend) = (Model::start(SCRIPT), Backend::start(Mood::Well { seconds: 3600 }).await);
    let session = session(&backend)
        .env("AMBIENT_AGENT_COMMAND", &cli.display().to_string())
        .env("ANTHROPIC_BASE_URL", &model.url);
    let runner = session.start();
    for (person, run, page) in [(ALICE, "for-alice", "home"), (BOB, "for-bob", "settings")] {
        let mut body = input("t", run, run);
        body["context"] = json!([{"description": "page", "value": page}]);
        body["forwardedProps"] = json!({"model": format!("model-{run}")});
        let said = text(&Stream::of(person.post(&runner, "/run", &body).await).rest().await);
        assert!(said.contains("done"), "{said}");
    }
    assert!(password(&session, "alice").starts_with("github-secret-of-alice-"));
    assert!(password(&session, "bob").starts_with("github-secret-of-bob-"));
    for (run, page) in [("for-alice", "home"), ("for-bob", "settings")] {
        let asked: Vec<_> = model.conversations().into_iter().filter(|r| r.model == format!("model-{run}")).collect();
        assert!(!asked.is_empty(), "the model of {run} was asked");
        assert!(asked.iter().all(|request| json!(request.messages).to_string().contains(page)), "{page}");
    }
}
