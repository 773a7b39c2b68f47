//! Calls that the client or a person answers, in another run.

use std::time::Duration;

use ambient::{
    agui::{ContentPart, Tool},
    bridge::{Answer, Bridge, Ending, SessionSpec, TurnInput},
};
use serde_json::{Value, json};

use crate::rig::{Place, Rig, Took, prompt};

/// Calls two frontend tools, a question, or both.
const SCRIPT: &str = "
rules:
  - when: {prompt: paint, step: 0}
    reply:
      - {text: I paint.}
      - {tool: mcp__ui__paint, input: {color: red}}
      - {tool: Bash, input: {command: echo beside, description: Beside}}
      - {tool: mcp__ui__paint, input: {color: blue}}
  - when: {prompt: ask, step: 0}
    reply:
      - tool: AskUserQuestion
        input: {questions: [{question: 'Which color?', header: Color, multiSelect: false, options: [{label: Red, description: r}, {label: Blue, description: b}]}]}
  - when: {prompt: both, step: 0}
    reply:
      - {tool: mcp__ui__paint, input: {color: red}}
      - tool: AskUserQuestion
        input: {questions: [{question: 'Which color?', header: Color, multiSelect: false, options: [{label: Red, description: r}, {label: Blue, description: b}]}]}
  - {when: {step: any}, reply: [{text: Thank you.}]}
";

fn with_paint(rig: &Rig) -> SessionSpec {
    let parameters = json!({ "type": "object", "properties": { "color": { "type": "string" } } });
    let paint =
        Tool { name: "paint".into(), description: "Paints.".into(), parameters: Some(parameters), metadata: None };
    SessionSpec { frontend_tools: vec![paint], ..rig.spec() }
}

/// The tool results that the model heard last, by call.
fn heard(rig: &Rig, call: &str) -> Value {
    let messages = rig.model.conversations().last().unwrap().messages.clone();
    let blocks = messages.iter().flat_map(|message| message["content"].as_array().cloned().unwrap_or_default());
    let results: Vec<Value> = blocks.filter(|block| block["tool_use_id"] == call).collect();
    assert_eq!(results.len(), 1, "one result for {call}: {messages:#?}");
    results[0].clone()
}

fn pending(took: &Took) -> Vec<String> {
    match &took.end.ending {
        Ending::PendingTools(ids) => ids.iter().map(ToString::to_string).collect(),
        other => panic!("expected pending tools, got {other:?}"),
    }
}

/// The id of the call that asks.
fn asked(took: &Took) -> String {
    let Ending::Asked(interrupts) = &took.end.ending else { panic!("expected a question, got {:?}", took.end.ending) };
    assert_eq!(interrupts.len(), 1);
    let interrupt = serde_json::to_value(&interrupts[0]).unwrap();
    assert_eq!((&interrupt["reason"], &interrupt["message"]), (&json!("input_required"), &json!("Which color?")));
    assert_eq!(interrupt["id"], interrupt["toolCallId"]);
    assert!(interrupt["responseSchema"]["properties"]["answers"]["properties"].get("Which color?").is_some());
    interrupt["toolCallId"].as_str().unwrap().to_owned()
}

pub(crate) async fn row_13_several_frontend_tools_at_once(place: Place) {
    let rig = Rig::new(place, SCRIPT);
    let took = rig.take(with_paint(&rig), prompt("paint it")).await;
    let calls = pending(&took);
    let painted: Vec<_> =
        took.all("TOOL_CALL_START").into_iter().filter(|call| call["toolCallName"] == "paint").collect();
    assert_eq!(painted.iter().map(|call| call["toolCallId"].as_str().unwrap()).collect::<Vec<_>>(), calls);
    assert_eq!(took.arguments(&painted[1]["toolCallId"]), json!({ "color": "blue" }));
    assert_eq!(took.one("TOOL_CALL_RESULT")["content"], "beside");

    let answers = [(calls[0].as_str(), json!("red is dry")), (calls[1].as_str(), json!({ "state": "wet" }))];
    let took = rig.answer(with_paint(&rig), &answers).await;
    assert_eq!((took.text().as_str(), &took.end.ending), ("Thank you.", &Ending::Completed));
    assert_eq!(heard(&rig, &calls[0])["content"], "red is dry");
    assert_eq!(heard(&rig, &calls[1])["content"], r#"{"state":"wet"}"#);
}

pub(crate) async fn row_13_answers_after_a_restart(place: Place) {
    let mut rig = Rig::new(place, SCRIPT);
    let calls = pending(&rig.take(with_paint(&rig), prompt("paint it")).await);
    rig.restart().await;
    rig.bridge.warm(with_paint(&rig)).await.unwrap();
    let took = rig.answer(with_paint(&rig), &[(&calls[0], json!("red is dry")), (&calls[1], json!("wet"))]).await;
    assert_eq!((took.text().as_str(), &took.end.ending), ("Thank you.", &Ending::Completed));
    assert_eq!(heard(&rig, &calls[0])["content"], "red is dry");
    assert_eq!(heard(&rig, &calls[1])["content"], "wet");
    assert_eq!(rig.say("more").await.text(), "Thank you.");
}

pub(crate) async fn row_13_tools_that_come_and_go_between_turns(place: Place) {
    let rig = Rig::new(place, SCRIPT);
    rig.say("hello").await;
    let pid = rig.agent_pid();
    assert_eq!(pending(&rig.take(with_paint(&rig), prompt("paint it")).await).len(), 2);
    assert_eq!(rig.agent_pid(), pid, "the process stays");
    assert!(rig.model.conversations().last().unwrap().tools.contains(&"mcp__ui__paint".to_owned()));
}

pub(crate) async fn row_13_a_person_who_does_not_answer_declines(place: Place) {
    let rig = Rig::new(place, SCRIPT);
    let calls = pending(&rig.take(with_paint(&rig), prompt("paint it")).await);
    let took = rig.take(with_paint(&rig), prompt("never mind")).await;
    assert_eq!(took.text(), "Thank you.");
    assert_eq!(heard(&rig, &calls[0])["is_error"], true);
    assert_eq!(rig.model.conversations().last().unwrap().prompt, "never mind");
}

pub(crate) async fn bug_12_a_question_to_a_person_is_asked_and_answered(place: Place) {
    let rig = Rig::new(place, SCRIPT);
    let call = asked(&rig.say("ask me").await);
    let took = rig.answer(rig.spec(), &[(&call, json!({ "answers": { "Which color?": "Blue" } }))]).await;
    assert_eq!((took.text().as_str(), &took.end.ending), ("Thank you.", &Ending::Completed));
    assert_eq!(heard(&rig, &call)["content"], "Which color? Blue");
    let result = took.one("TOOL_CALL_RESULT");
    assert_eq!((&result["toolCallId"], &result["content"]), (&json!(call), &json!("Which color? Blue")));
    assert!(took.all("TOOL_CALL_START").is_empty(), "the call is not started again");
}

pub(crate) async fn row_14_the_question_survives_a_restart_and_may_come_with_a_message(place: Place) {
    let mut rig = Rig::new(place, SCRIPT);
    let call = asked(&rig.say("ask me").await);
    rig.restart().await;
    let answers = vec![Answer { tool_call_id: call.as_str().into(), payload: Some(json!("Blue")) }];
    let then = vec![ContentPart::from("and hurry")];
    let took = rig.take(rig.spec(), TurnInput::Answers { answers, then }).await;
    assert_eq!(took.text(), "Thank you.");
    assert_eq!(heard(&rig, &call)["content"], "Blue");
    assert_eq!(rig.model.conversations().last().unwrap().prompt, "and hurry");
}

pub(crate) async fn row_14_a_question_beside_a_frontend_tool(place: Place) {
    let rig = Rig::new(place, SCRIPT);
    let took = rig.take(with_paint(&rig), prompt("both, please")).await;
    let question = asked(&took);
    let paint = took.all("TOOL_CALL_START")[0]["toolCallId"].as_str().unwrap().to_owned();
    let answers =
        [(question.as_str(), json!({ "answers": { "Which color?": "Red" } })), (paint.as_str(), json!("dry"))];
    assert_eq!(rig.answer(with_paint(&rig), &answers).await.text(), "Thank you.");
    assert_eq!(heard(&rig, &question)["content"], "Which color? Red");
    assert_eq!(heard(&rig, &paint)["content"], "dry");
}

pub(crate) async fn row_20_never_evicted_with_an_open_question(place: Place) {
    let rig = Rig::with(place, SCRIPT, |config| {
        config.timing.idle = Duration::from_millis(100);
    });
    let call = asked(&rig.say("ask me").await);
    let pid = rig.agent_pid();
    tokio::time::sleep(Duration::from_millis(600)).await;
    assert_eq!(rig.agent_pid(), pid, "it waits for the answer");
    rig.answer(rig.spec(), &[(&call, json!("Blue"))]).await;
    rig.until_no_agent().await;
}
