//! The real CLI as a client of the tools over HTTP: it stands for an agent that has no other way to them.

use ambient::{
    agui::EventKind,
    bridge::{ToolsEndpoint, tools::ToolServer},
    runner::{feedback::NoSink, mcp::http::ToolsServer, mcp::tools::Corrections},
    security::Redactor,
};
use serde_json::json;
use std::sync::Arc;

use crate::{
    agent::{session, until},
    model::Model,
    rig::{text, valid},
};

fn called(events: &[ambient::agui::Event]) -> bool {
    events.iter().any(|event| matches!(&event.kind, EventKind::ToolCallResult { content, .. } if format!("{content:?}").contains("The correction is noted.")))
}

#[tokio::test]
async fn the_real_cli_lists_and_calls_the_tools_over_http() {
    let model = Model::start(
        "
rules:
  - when: {step: 0}
    reply: [{tool: mcp__platform__log_correction, input: {correction_type: style, agent_action: tabs, user_correction: spaces}}]
  - {when: {step: 1}, reply: [{text: Noted.}]}
",
    );
    let tools: Vec<Arc<dyn ToolServer>> = vec![Arc::new(Corrections::new(Arc::new(NoSink)))];
    let server = ToolsServer::start(tools, Arc::new(Redactor::new([]))).await.unwrap();
    let ToolsEndpoint { url, bearer } = server.grants().endpoint(&"thread".into(), None);
    let headers = json!({ "Authorization": format!("Bearer {bearer}") });
    let platform = json!({ "type": "http", "url": url, "headers": headers, "alwaysLoad": true });
    let wrong = json!({ "type": "http", "url": url, "headers": { "Authorization": "Bearer wrong" } });
    let Some(session) = session(&model, &json!({ "platform": platform, "stranger": wrong })) else {
        return;
    };
    let runner = session.start();
    let listed = until(&runner, "platform", "connected").await;
    assert_eq!(listed["tools"][0]["name"], "log_correction", "{listed}");
    let events = runner.run("r1", "use spaces").await;
    valid(&events);
    assert_eq!(text(&events), "Noted.");
    assert!(called(&events), "{events:?}");
    let report = runner.get("/mcp/status").await.text().await.unwrap();
    assert!(!report.contains(&bearer), "{report}");
    let stranger = report.split("stranger").nth(1).unwrap();
    assert!(!stranger.contains("log_correction"), "{report}");
}
