//! The platform's own tools, called by the real CLI.

use ambient::agui::EventKind;
use serde_json::json;

use crate::{
    agent::{session, starts},
    model::Model,
    rig::{text, valid},
};

#[tokio::test]
async fn a_correction_is_an_event_of_its_run() {
    let model = Model::start(
        "
rules:
  - when: {step: 0}
    reply: [{tool: mcp__corrections__log_correction, input: {correction_type: style, agent_action: tabs, user_correction: spaces}}]
  - {when: {step: 1}, reply: [{text: Noted.}]}
",
    );
    let Some(session) = session(&model, &json!({})) else {
        return;
    };
    let runner = session.start();
    let events = runner.run("r1", "use spaces").await;
    valid(&events);
    let found = events.iter().find_map(|event| match &event.kind {
        EventKind::Custom { name, value } if name == "ambient:correction" => Some(value.clone()),
        _ => None,
    });
    let payload = json!({ "correctionType": "style", "agentAction": "tabs", "userCorrection": "spaces" });
    assert_eq!(found.unwrap(), json!({ "type": "correction", "payload": payload }));
    assert_eq!(text(&events), "Noted.");
}

#[tokio::test]
async fn a_restart_gives_the_next_turn_a_new_process_with_the_same_conversation() {
    let model = Model::start(
        "
rules:
  - {when: {prompt: again, step: 0}, reply: [{tool: mcp__session__restart_session, input: {}}]}
  - {when: {prompt: again, step: 1}, reply: [{text: I will.}]}
  - {when: {step: any}, reply: [{text: Here I am.}]}
",
    );
    let Some(session) = session(&model, &json!({})) else {
        return;
    };
    let runner = session.start();
    assert_eq!(text(&runner.run("r1", "start again").await), "I will.");
    assert_eq!(starts(&session).len(), 1, "the turn goes on in its process");
    assert_eq!(text(&runner.run("r2", "hello").await), "Here I am.");
    let started = starts(&session);
    assert_eq!(started.len(), 2);
    assert!(started[1].contains("--resume="), "{}", started[1]);
    let last = model.conversations().pop().unwrap();
    assert!(format!("{last:?}").contains("hello"));
    assert_eq!(text(&runner.run("r3", "and now").await), "Here I am.");
    assert_eq!(starts(&session).len(), 2, "it was one restart");
}

#[tokio::test]
async fn the_rubric_of_the_workflow_is_a_tool_whose_result_is_an_event() {
    let model = Model::start(
        "
rules:
  - {when: {step: 0}, reply: [{tool: mcp__rubric__evaluate_rubric, input: {score: 3, comment: fair}}]}
  - {when: {step: 1}, reply: [{text: Judged.}]}
",
    );
    let Some(session) = session(&model, &json!({})) else {
        return;
    };
    let folder = session.path("ws/workflows/flow/.ambient");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("rubric.md"), "Be strict.").unwrap();
    let session = session.env("ACTIVE_WORKFLOW_GIT_URL", "https://git.example/team/flow.git");
    let runner = session.start();
    let events = runner.run("r1", "judge").await;
    valid(&events);
    let found = events.iter().find_map(|event| match &event.kind {
        EventKind::Custom { name, value } if name == "ambient:rubric" => Some(value.clone()),
        _ => None,
    });
    let payload = json!({ "score": 3.0, "comment": "fair", "metadata": {} });
    assert_eq!(found.unwrap(), json!({ "type": "rubric", "payload": payload }));
    assert_eq!(text(&events), "Judged.");
}
