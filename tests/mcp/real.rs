//! The servers of the agent's image, pinned, from `PyPI`: started by the real CLI.

use std::net::Ipv4Addr;

use axum::{Router, response::Html, routing::get};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::{
    agent::{installed, session, until},
    model::Model,
    rig::{text, valid},
};

/// A web page on this machine.
async fn web_page() -> String {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let page = "<html><body><h1>A page</h1><p>The answer of the page is forty-two.</p></body></html>";
    let app = Router::new().route("/page", get(move || async move { Html(page) }));
    tokio::spawn(async move { axum::serve(listener, app).await });
    format!("http://{address}/page")
}

/// mcp-server-fetch; with node on its PATH it would run npm.
fn webfetch() -> Option<Value> {
    Some(json!({
        "command": installed("mcp-server-fetch")?, "args": ["--allow-private-ips", "--ignore-robots-txt"],
        "env": { "PATH": "/usr/bin-without-node" }, "alwaysLoad": true,
    }))
}

#[tokio::test]
async fn the_pinned_servers_are_listed_with_their_tools() {
    let Some(atlassian) = installed("mcp-atlassian") else {
        return;
    };
    let model = Model::start("rules: []");
    let jira = json!({ "JIRA_URL": "http://127.0.0.1:9", "JIRA_USERNAME": "me", "JIRA_API_TOKEN": "no-token-at-all",
                       "READ_ONLY_MODE": "true" });
    let servers = json!({
        "webfetch": webfetch(),
        "jira": { "command": atlassian, "env": jira },
        "google": { "command": installed("workspace-mcp"), "args": ["--permissions", "gmail:send", "drive:full"] },
    });
    let Some(session) = session(&model, &servers) else {
        return;
    };
    let session = session.env("AMBIENT_MCP_TIMEOUT", "110");
    let runner = session.start();
    let fetch = until(&runner, "webfetch", "connected").await;
    assert_eq!(fetch["tools"][0]["name"], "fetch");
    for (server, least, tool) in [("jira", 20, "jira_get_issue"), ("google", 20, "search_drive_files")] {
        let tools = until(&runner, server, "connected").await["tools"].clone();
        let tools = tools.as_array().unwrap();
        assert!(tools.len() >= least, "{server} has {} tools", tools.len());
        assert!(tools.iter().any(|one| one["name"] == tool), "{tool} is missing: {tools:?}");
    }
}

#[tokio::test]
async fn a_tool_of_mcp_server_fetch_reads_a_page_and_servers_that_never_answer_hold_up_no_turn() {
    let Some(webfetch) = webfetch() else {
        return;
    };
    let page = web_page().await;
    let script = format!(
        "
rules:
  - {{when: {{prompt: read, step: 0}}, reply: [{{tool: mcp__webfetch__fetch, input: {{url: '{page}'}}}}]}}
  - {{when: {{step: any}}, reply: [{{text: Done.}}]}}
"
    );
    let model = Model::start(&script);
    // It has an hour to answer: a turn that waited for it would not end within this test.
    let servers = json!({ "webfetch": webfetch, "mute": { "command": "sleep", "args": ["600"] } });
    let Some(session) = session(&model, &servers) else {
        return;
    };
    let session = session.env("AMBIENT_MCP_TIMEOUT", "3600");
    let runner = session.start();
    assert_eq!(text(&runner.run("r1", "just answer").await), "Done.", "at once, whatever is connected");
    until(&runner, "webfetch", "connected").await;
    let events = runner.run("r2", "read the page").await;
    valid(&events);
    let result = serde_json::to_string(&events).unwrap();
    assert!(result.contains("The answer of the page is forty-two."), "{result}");
    until(&runner, "mute", "pending").await;
}

#[tokio::test]
async fn a_server_that_never_answers_is_failed_at_its_deadline() {
    let model = Model::start("rules: []");
    let Some(session) = session(&model, &json!({ "mute": { "command": "sleep", "args": ["600"] } })) else {
        return;
    };
    let session = session.env("AMBIENT_MCP_TIMEOUT", "1");
    let runner = session.start();
    let mute = until(&runner, "mute", "failed").await;
    assert!(mute["error"].as_str().unwrap().contains("timed out"), "{mute}");
}
