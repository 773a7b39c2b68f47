//! The same with the real CLI: what its shell has, and what its requests say.

use serde_json::json;

use crate::{
    backend::{Backend, Mood},
    claude::claude,
    model::Model,
    people::{ALICE, BOB, appears, input, left, password, session},
    programs::with_programs,
    rig::{Stream, THREAD, text},
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

/// An MCP server without tools that leaves in the workspace whose Jira it has.
const JIRA_SERVER: &str = r#"#!/bin/sh
env | grep '^JIRA_' > "jira-of-$JIRA_EMAIL.new" && mv "jira-of-$JIRA_EMAIL.new" "jira-of-$JIRA_EMAIL"
while read -r line; do
  id=$(printf '%s' "$line" | sed -n 's/.*"id":\([0-9]*\).*/\1/p')
  case "$line" in
    *'"method":"initialize"'*) result='{"protocolVersion":"2025-06-18","capabilities":{"tools":{}},"serverInfo":{"name":"Jira","version":"1"}}' ;;
    *'"method":"tools/list"'*) result='{"tools":[]}' ;;
    *) continue ;;
  esac
  printf '{"jsonrpc":"2.0","id":%s,"result":%s}\n' "$id" "$result"
done
"#;

#[tokio::test]
async fn the_jira_server_of_a_warm_agent_is_its_persons_and_that_of_another_person_theirs() {
    let Some(cli) = claude() else { return };
    let (model, backend) = (Model::start(SCRIPT), Backend::start(Mood::Well { seconds: 3600 }).await);
    let session = session(&backend)
        .env("AMBIENT_AGENT_COMMAND", &cli.display().to_string())
        .env("ANTHROPIC_BASE_URL", &model.url)
        .env("USER_ID", "alice");
    let session = with_programs(session, &[("mcp-atlassian", JIRA_SERVER)]);
    let runner = session.start();
    // No run is going: the agent is warm.
    appears(&session, "jira-of-alice@example.org").await;
    assert!(left(&session, "jira-of-alice@example.org").contains("JIRA_API_TOKEN=jira-secret-of-alice-"));
    let asked = backend.asked().into_iter().find(|asked| asked.path.ends_with("/jira")).unwrap();
    assert_eq!((asked.user.as_str(), asked.authorization.as_str()), ("alice", "Bearer bot-token-0123456789"));
    let said = text(&BOB.run(&runner, THREAD, "for-bob", "hello").await);
    assert!(said.contains("done"), "{said}");
    appears(&session, "jira-of-bob@example.org").await;
    assert!(left(&session, "jira-of-bob@example.org").contains("JIRA_API_TOKEN=jira-secret-of-bob-"));
}
