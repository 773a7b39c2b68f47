//! `GET /mcp/status`.

use serde_json::{Value, json};

use crate::{
    agent::{custom, session, shell_server, starts, until, with_agent, write},
    model::Model,
    rig::{SOON, Session, text},
};

const ANSWERS: &str = "rules: [{when: {step: any}, reply: [{text: Done.}]}]";

#[tokio::test]
async fn bug_15_the_status_is_the_live_agents_own_and_starts_no_second_one() {
    let model = Model::start(ANSWERS);
    let Some(session) =
        session(&model, &json!({ "greeter": shell_server("x"), "gone": { "command": "/no/such/program" } }))
    else {
        return;
    };
    let runner = session.start();
    let greeter = until(&runner, "greeter", "connected").await;
    assert_eq!(
        greeter,
        json!({
            "name": "greeter", "displayName": "Shell", "status": "connected", "version": "7.1",
            "tools": [{ "name": "hello", "annotations": { "readOnly": true } }],
        })
    );
    assert!(until(&runner, "gone", "failed").await["error"].as_str().unwrap().contains("ENOENT"));
    assert_eq!(text(&runner.run("r1", "go").await), "Done.");
    let report: Value = runner.get("/mcp/status").await.json().await.unwrap();
    let names: Vec<_> = report["servers"].as_array().unwrap().iter().map(|server| server["name"].clone()).collect();
    assert_eq!(names, ["corrections", "gone", "greeter", "session"], "the client's own tools are not among them");
    assert_eq!(report["totalCount"], 4);
    assert_eq!(starts(&session).len(), 1, "one agent, and nobody asked another one");
}

#[tokio::test]
async fn the_status_is_told_while_a_turn_runs() {
    let model = Model::start("rules: [{when: {step: any}, wait_ms: 600000, reply: [{text: Late.}]}]");
    let Some(session) = session(&model, &json!({ "greeter": shell_server("x") })) else {
        return;
    };
    let runner = session.start();
    let turn = runner.begin("r1", "go").await;
    until(&runner, "greeter", "connected").await;
    drop(turn);
}

#[tokio::test]
async fn without_an_agent_the_configured_servers_are_pending_and_broken_ones_failed() {
    let servers = json!({ "good": { "command": "x" }, "bad": { "command": "x", "env": { "K": "${AGUI_TOKEN}" } } });
    let session = Session::new().env("CUSTOM_MCP_SERVERS", &custom(&servers)).env("PROJECT_MCP_SERVERS", "{");
    let runner = session.start();
    let report: Value = runner.get("/mcp/status?thread_id=another").await.json().await.unwrap();
    assert_eq!(report["servers"][1]["status"], "pending");
    assert_eq!(report["servers"][0]["status"], "failed");
    assert!(report["servers"][0]["error"].as_str().unwrap().contains("${AGUI_TOKEN} is not among the variables"));
    assert!(report["message"].as_str().unwrap().contains("No agent of this thread runs"));
    assert_eq!(report["error"], "PROJECT_MCP_SERVERS: it is not JSON (line 1, column 1)");
    assert_eq!(report["totalCount"], 2);
}

#[tokio::test]
async fn an_agent_that_does_not_tell_is_an_error_that_says_what_to_do() {
    let session = Session::new();
    let agent = session.path("mute.sh");
    write(
        &agent,
        r#"read -r line
id=$(printf '%s' "$line" | sed -n 's/.*"request_id":"\([^"]*\)".*/\1/p')
printf '{"type":"control_response","response":{"subtype":"success","request_id":"%s","response":{}}}\n' "$id"
# What it had for stdout stays open.
exec 3>&1
exec cat > /dev/null"#,
    );
    let session = with_agent(session, &agent);
    let runner = session.start();
    // Until the agent is ready the answer is that there is none.
    let end = std::time::Instant::now() + SOON;
    let answer = loop {
        assert!(std::time::Instant::now() < end, "the agent is never ready");
        let answer = runner.get("/mcp/status").await;
        if answer.status() != 200 {
            break answer;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    };
    assert_eq!(answer.status(), 500);
    let body: Value = answer.json().await.unwrap();
    assert!(body["detail"].as_str().unwrap().contains("try again"), "{body}");
}

#[tokio::test]
async fn a_servers_secrets_are_in_no_argument_and_nothing_is_left_of_their_file() {
    let model = Model::start(
        "
rules:
  - {when: {step: 0}, reply: [{tool: mcp__greeter__hello, input: {}}]}
  - {when: {step: 1}, reply: [{text: Done.}]}
",
    );
    let mut server = shell_server("somebody");
    server["env"]["SERVER_TOKEN"] = json!("a-token-of-this-test-only");
    let Some(session) = session(&model, &json!({ "greeter": server })) else {
        return;
    };
    let runner = session.start();
    until(&runner, "greeter", "connected").await;
    let events = runner.run("r1", "greet me").await;
    let streamed = serde_json::to_string(&events).unwrap();
    assert!(streamed.contains("hello from somebody"), "the tool was called: {streamed}");
    let status = runner.get("/mcp/status").await.text().await.unwrap();
    runner.terminate();
    let (_, _, log) = runner.end();
    let arguments = starts(&session).join("\n");
    assert!(arguments.contains("mcp__greeter__*") && arguments.contains("--strict-mcp-config"), "{arguments}");
    for place in [&streamed, &status, &log, &arguments, &session.log_text()] {
        assert!(!place.contains("a-token-of-this-test-only"));
    }
    let left: Vec<_> = std::fs::read_dir(session.path("ws/.claude/mcp")).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
}
