//! Sub-agents and background tasks.

use ambient::bridge::{Bridge, Ending, TurnInput};
use serde_json::json;
use tokio::sync::mpsc;

use crate::rig::{DEADLINE, Place, Rig};

pub(crate) async fn row_04_sub_agents(place: Place) {
    let script = "
rules:
  - when: {prompt: delegate, step: 0}
    reply:
      - {text: I delegate it.}
      - {tool: Agent, input: {description: Look around, prompt: look into it, subagent_type: general-purpose, run_in_background: false}}
  - when: {prompt: look into it, step: 0}
    reply: [{text: I look.}, {tool: Bash, input: {command: echo found, description: Look}}]
  - {when: {prompt: look into it, step: 1}, reply: [{text: I found it.}]}
  - {when: {tool: Agent}, reply: [{text: It was found.}]}
";
    let took = Rig::new(place, script).say("delegate this").await;
    assert_eq!(took.end.result.as_deref(), Some("It was found."));
    let started = took.one("SUBAGENT_STARTED");
    let agent = &started["subagentRunId"];
    assert_eq!((&started["name"], &started["description"]), (&json!("general-purpose"), &json!("Look around")));
    assert!(took.one("SUBAGENT_FINISHED")["result"].as_str().unwrap().contains("I found it."));
    let of_agent =
        |kind: &str| took.all(kind).into_iter().filter(|event| event["subagentRunId"] == *agent).collect::<Vec<_>>();
    let said: Vec<_> = of_agent("TEXT_MESSAGE_CONTENT").iter().map(|event| event["delta"].clone()).collect();
    assert_eq!(said, ["I look.", "I found it."]);
    assert_eq!(of_agent("TOOL_CALL_START")[0]["toolCallName"], "Bash");
    assert_eq!(of_agent("TOOL_CALL_RESULT")[0]["content"], "found");
    assert_eq!(started["parentToolCallId"], took.all("TOOL_CALL_START")[0]["toolCallId"]);
}

pub(crate) async fn row_05_a_background_sub_agent_is_part_of_its_turn(place: Place) {
    let script = "
rules:
  - when: {prompt: delegate, step: 0}
    reply: [{tool: Agent, input: {description: Look around, prompt: look into it, subagent_type: general-purpose, run_in_background: true}}]
  - {when: {tool: Agent, prompt: delegate}, reply: [{text: It is under way.}]}
  - {when: {prompt: look into it}, wait_ms: 1500, reply: [{text: I found it.}]}
  - {when: {step: any}, reply: [{text: 'It came back.'}]}
";
    let took = Rig::new(place, script).say("delegate this").await;
    assert_eq!(took.end.ending, Ending::Completed);
    assert_eq!(took.end.result.as_deref(), Some("It came back."));
    assert_eq!(took.one("SUBAGENT_FINISHED")["result"], "I found it.");
}

pub(crate) async fn row_05_a_quick_background_sub_agent_is_part_of_its_turn_too(place: Place) {
    let script = "
rules:
  - when: {prompt: delegate, step: 0}
    reply: [{tool: Agent, input: {description: Look around, prompt: look into it, subagent_type: general-purpose, run_in_background: true}}]
  - {when: {tool: Agent, prompt: delegate}, wait_ms: 1500, reply: [{text: It is under way.}]}
  - {when: {prompt: look into it}, reply: [{text: I found it.}]}
  - {when: {step: any}, reply: [{text: 'It came back.'}]}
";
    let rig = Rig::new(place, script);
    let (wake, mut woken) = mpsc::channel(4);
    rig.bridge.follow_ups(wake);
    let took = rig.say("delegate this").await;
    assert_eq!(took.end.ending, Ending::Completed);
    assert_eq!(took.end.result.as_deref(), Some("It came back."));
    assert_eq!(took.one("SUBAGENT_FINISHED")["result"], "I found it.");
    assert_eq!(rig.say("and now?").await.text(), "It came back.");
    assert!(woken.try_recv().is_err(), "no turn of its own");
}

pub(crate) async fn bug_08_a_background_command_that_ends_between_turns_begins_a_turn_of_its_own(place: Place) {
    let script = "
rules:
  - when: {prompt: start it, step: 0}
    reply: [{tool: Bash, input: {command: 'until [ -e go ]; do sleep 0.1; done; echo done', description: Wait, run_in_background: true}}]
  - {when: {tool: Bash, prompt: start it}, reply: [{text: It runs.}]}
  - {when: {prompt: and now}, reply: [{text: A person spoke.}]}
  - {when: {step: any}, reply: [{text: It has ended.}]}
";
    let rig = Rig::new(place, script);
    let (wake, mut woken) = mpsc::channel(4);
    rig.bridge.follow_ups(wake);
    let took = rig.say("start it").await;
    assert_eq!((took.end.result.as_deref(), took.end.ending), (Some("It runs."), Ending::Completed));
    let asked = rig.model.conversations().len();

    std::fs::write(rig.work().join("go"), "").unwrap();
    let thread = tokio::time::timeout(DEADLINE, woken.recv()).await.unwrap().unwrap();
    assert_eq!(thread, "thread".into());
    let follow = rig.take(rig.spec(), TurnInput::FollowUp).await;
    assert_eq!((follow.end.result.as_deref(), &follow.end.ending), (Some("It has ended."), &Ending::Completed));
    assert!(rig.model.conversations().len() > asked);
    assert!(
        follow.all("RAW").iter().any(|event| event["event"]["subtype"] == "task_notification"),
        "it says what ended"
    );

    let nothing = rig.take(rig.spec(), TurnInput::FollowUp).await;
    assert_eq!((nothing.end.ending, nothing.events.len()), (Ending::Completed, 0), "nothing more to follow up");
    assert_eq!(rig.say("and now?").await.text(), "A person spoke.");
}

pub(crate) async fn row_05_a_prompt_takes_what_the_agent_began_by_itself(place: Place) {
    let script = "
rules:
  - when: {prompt: start it, step: 0}
    reply: [{tool: Bash, input: {command: 'until [ -e go ]; do sleep 0.1; done', description: Wait, run_in_background: true}}]
  - {when: {tool: Bash, prompt: start it}, reply: [{text: It runs.}]}
  - {when: {prompt: and now}, reply: [{text: A person spoke.}]}
  - {when: {step: any}, reply: [{text: It has ended.}]}
";
    let rig = Rig::new(place, script);
    let (wake, mut woken) = mpsc::channel(4);
    rig.bridge.follow_ups(wake);
    rig.say("start it").await;
    std::fs::write(rig.work().join("go"), "").unwrap();
    tokio::time::timeout(DEADLINE, woken.recv()).await.unwrap().unwrap();
    let took = rig.say("and now?").await;
    assert!(took.text().ends_with("A person spoke."), "{}", took.text());
    assert_eq!(took.end.result.as_deref(), Some("A person spoke."));
    let nothing = rig.take(rig.spec(), TurnInput::FollowUp).await;
    assert_eq!(nothing.events.len(), 0);
}
