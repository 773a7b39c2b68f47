//! Connections that break in the middle of an answer, after a reader has seen a part of it.
//!
//! What the CLI finds together with the break it drops unseen; so these are cut when the part has come through.

use ambient::{agui::EventKind, bridge::Ending};
use serde_json::json;

use crate::{
    rig::{Place, Rig, Took, prompt},
    wire::Wire,
};

/// Says something to an agent whose connection is cut once: when a reader has seen what fits.
async fn cut_at(place: Place, script: &str, fits: impl Fn(&EventKind) -> bool) -> (Took, Rig) {
    let rig = Rig::new(place, script);
    let wire = Wire::to(&rig.model.url).await;
    let mut session = rig.spec();
    session.env.0.insert("ANTHROPIC_BASE_URL".into(), wire.url.clone());
    let mut turn = rig.start(session, prompt("hi"));
    turn.until("what is cut", |event| fits(&event.kind)).await;
    wire.cut();
    let took = turn.finish().await;
    drop(turn);
    assert_eq!(took.end.ending, Ending::Completed);
    assert_eq!(rig.model.conversations().len(), 2, "the model is asked again");
    assert_eq!(took.all("STEP_STARTED").len(), 2);
    (took, rig)
}

fn is_void(kind: &EventKind) -> bool {
    matches!(kind, EventKind::TextMessageContent { delta, .. } if delta == "void ")
}

/// The ids of the messages that were begun.
fn messages(took: &Took) -> Vec<String> {
    took.all("TEXT_MESSAGE_START").iter().map(|event| event["messageId"].as_str().unwrap().to_owned()).collect()
}

pub(crate) async fn row_17_text_that_is_taken_back(place: Place) {
    let script = "
rules:
  - {when: {}, times: 1, reply: [{text: 'void ', repeat: 2000, per_second: 50}]}
  - {when: {}, reply: [{text: This counts.}]}
";
    let (took, _) = cut_at(place, script, is_void).await;
    let messages = messages(&took);
    assert_eq!(messages.len(), 2);
    assert_eq!(took.custom("ambient:abandoned"), [json!({ "messageIds": messages[..1], "toolCallIds": [] })]);
    assert_eq!(took.custom("ambient:retry").len(), 1);
    assert!(took.text().ends_with("void This counts."), "{}", took.text());
    assert_eq!(took.end.result.as_deref(), Some("This counts."));
}

pub(crate) async fn row_17_text_that_was_whole_stays(place: Place) {
    let script = "
rules:
  - {when: {}, times: 1, reply: [{text: This stays.}, {text: 'void ', repeat: 2000, per_second: 50}]}
  - {when: {}, reply: [{text: And this.}]}
";
    let (took, rig) = cut_at(place, script, is_void).await;
    let messages = messages(&took);
    assert_eq!(messages.len(), 3);
    assert_eq!(took.custom("ambient:abandoned"), [json!({ "messageIds": messages[1..2], "toolCallIds": [] })]);
    let heard = serde_json::to_string(&rig.model.conversations()[1].messages).unwrap();
    assert!(heard.contains("This stays.") && !heard.contains("void"), "{heard}");
    assert_eq!(took.end.result.as_deref(), Some("And this."));
}

pub(crate) async fn row_17_a_call_that_is_taken_back(place: Place) {
    let words = "again ".repeat(2000);
    let script = format!(
        "
rules:
  - when: {{}}
    times: 1
    reply: [{{text: I act.}}, {{tool: Bash, input: {{command: 'touch here', description: '{words}'}}, per_second: 50}}]
  - {{when: {{}}, reply: [{{text: I thought better of it.}}]}}
"
    );
    let (took, rig) = cut_at(place, &script, |kind| matches!(kind, EventKind::ToolCallArgs { .. })).await;
    let call = took.one("TOOL_CALL_START")["toolCallId"].clone();
    assert_eq!(took.custom("ambient:abandoned"), [json!({ "messageIds": [], "toolCallIds": [call] })]);
    assert_eq!(took.one("TOOL_CALL_RESULT")["metadata"]["ambient"]["isError"], true);
    assert!(!rig.work().join("here").exists(), "it was not executed");
    assert_eq!(took.text(), "I act.I thought better of it.");
}
