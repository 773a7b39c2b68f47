//! What is streamed: text, thinking, tools.

use serde_json::json;

use ambient::bridge::Ending;

use crate::rig::{Place, Rig};

pub(crate) async fn row_01_text_deltas(place: Place) {
    let rig = Rig::new(place, "rules: [{when: {}, reply: [{text: 'Hello there, reader.', split: words}]}]");
    let took = rig.say("hi").await;
    assert_eq!(took.end.ending, Ending::Completed);
    assert_eq!(took.end.result.as_deref(), Some("Hello there, reader."));
    let deltas: Vec<_> = took.all("TEXT_MESSAGE_CONTENT").iter().map(|event| event["delta"].clone()).collect();
    assert_eq!(deltas, ["Hello ", "there, ", "reader."]);
    assert_eq!(took.one("TEXT_MESSAGE_START")["messageId"], took.one("TEXT_MESSAGE_END")["messageId"]);
    assert_eq!(took.one("STEP_STARTED")["stepName"], "model-1");
    assert_eq!(rig.model.conversations().last().unwrap().prompt, "hi");
    assert!(took.end.agent_session_id.is_some());
}

pub(crate) async fn row_02_thinking(place: Place) {
    let script = "rules: [{when: {}, reply: [{thinking: 'Let me see.', split: words}, {text: 'Done.'}]}]";
    let took = Rig::new(place, script).say("think").await;
    let thoughts: String =
        took.all("REASONING_MESSAGE_CONTENT").iter().map(|event| event["delta"].as_str().unwrap().to_owned()).collect();
    assert_eq!(thoughts, "Let me see.");
    assert_eq!(took.one("REASONING_MESSAGE_START")["role"], "reasoning");
    assert_eq!(took.one("REASONING_START")["messageId"], took.one("REASONING_END")["messageId"]);
    assert_eq!(took.text(), "Done.");
}

pub(crate) async fn row_03_tools_with_results_and_errors_in_parallel(place: Place) {
    let script = "
rules:
  - when: {step: 0}
    reply:
      - text: Two at once.
      - {tool: Bash, input: {command: 'echo from the shell', description: Say something}}
      - {tool: Read, input: {file_path: /nowhere/at/all}}
  - when: {step: 1}
    reply: [{text: Both are back.}]
";
    let rig = Rig::new(place, script);
    let took = rig.say("go").await;
    let calls = took.all("TOOL_CALL_START");
    assert_eq!(calls.iter().map(|call| call["toolCallName"].clone()).collect::<Vec<_>>(), ["Bash", "Read"]);
    let message = &took.all("TEXT_MESSAGE_START")[0]["messageId"];
    assert!(calls.iter().all(|call| call["parentMessageId"] == *message), "{calls:#?}");
    assert_eq!(took.arguments(&calls[1]["toolCallId"]), json!({ "file_path": "/nowhere/at/all" }));
    let results = took.all("TOOL_CALL_RESULT");
    let result = |call: usize| results.iter().find(|result| result["toolCallId"] == calls[call]["toolCallId"]).unwrap();
    assert_eq!(result(0)["content"], "from the shell");
    assert!(result(0).get("metadata").is_none());
    assert_eq!(result(1)["metadata"]["ambient"]["isError"], true);
    assert_eq!(took.end.result.as_deref(), Some("Both are back."));
    assert_eq!(took.all("STEP_STARTED").len(), 2);
    assert_eq!(rig.model.conversations().len(), 2, "one request a step");
}
