//! Sub-agents and background tasks.

use ambient::{
    agui::Tool,
    bridge::{Bridge, Ending, SessionSpec, TurnInput},
};
use serde_json::json;
use tokio::sync::mpsc;

use crate::rig::{DEADLINE, Place, Rig, Took, prompt};

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
    let rig = Rig::with(place, script, |config| config.timing.follow_up = DEADLINE);
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
    let rig = Rig::with(place, script, |config| config.timing.follow_up = DEADLINE);
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

/// Puts a command into the background that ends when it is stopped, and calls a tool of the client if it is asked to.
const WAITS: &str = "
rules:
  - when: {prompt: start, step: 0}
    reply: [{tool: Bash, input: {command: 'sleep 600', description: Wait for it, run_in_background: true}}]
  - {when: {tool: Bash, prompt: start and paint}, reply: [{tool: mcp__ui__paint, input: {color: red}}]}
  - {when: {tool: Bash, prompt: start}, reply: [{text: It runs.}]}
  - {when: {step: any}, reply: [{text: Thank you.}]}
";

fn ends_told(took: &Took) -> usize {
    took.all("RAW").iter().filter(|event| event["event"]["subtype"] == "task_notification").count()
}

pub(crate) async fn bug_08_a_background_command_that_is_stopped_between_turns_has_a_turn_of_its_own(place: Place) {
    let rig = Rig::new(place, WAITS);
    let (wake, mut woken) = mpsc::channel(4);
    rig.bridge.follow_ups(wake);
    assert_eq!(rig.say("start it").await.end.result.as_deref(), Some("It runs."));
    let thread = "thread".into();
    assert!(!rig.bridge.has_follow_up(&thread));
    let asked = rig.model.conversations().len();

    rig.bridge.stop_task(&rig.bridge.tasks()[0].id).await.unwrap();
    assert_eq!(tokio::time::timeout(DEADLINE, woken.recv()).await.unwrap(), Some(thread.clone()));
    assert!(rig.bridge.has_follow_up(&thread));
    let follow = rig.take(rig.spec(), TurnInput::FollowUp).await;
    assert_eq!(follow.end.ending, Ending::Completed);
    assert_eq!(follow.end.result.as_deref(), Some("A background task has ended (stopped): Wait for it"));
    assert_eq!((ends_told(&follow), rig.model.conversations().len()), (1, asked), "without the agent");

    assert!(!rig.bridge.has_follow_up(&thread));
    let took = rig.say("and now?").await;
    assert_eq!((took.text().as_str(), ends_told(&took)), ("Thank you.", 0));
}

pub(crate) async fn bug_08_an_end_waits_for_the_answer_that_the_agent_waits_for(place: Place) {
    let rig = Rig::with(place, WAITS, |config| config.timing.follow_up = std::time::Duration::ZERO);
    let (wake, mut woken) = mpsc::channel(4);
    rig.bridge.follow_ups(wake);
    let parameters = json!({ "type": "object", "properties": { "color": { "type": "string" } } });
    let paint =
        Tool { name: "paint".into(), description: "Paints.".into(), parameters: Some(parameters), metadata: None };
    let spec = SessionSpec { frontend_tools: vec![paint], ..rig.spec() };
    let took = rig.take(spec.clone(), prompt("start and paint")).await;
    let Ending::PendingTools(calls) = &took.end.ending else { panic!("no pending tool: {:?}", took.end.ending) };

    rig.bridge.stop_task(&rig.bridge.tasks()[0].id).await.unwrap();
    let answered = rig.answer(spec, &[(&calls[0], json!("painted"))]).await;
    assert_eq!((answered.text().as_str(), ends_told(&answered)), ("Thank you.", 1));
    assert!(woken.try_recv().is_err(), "no turn came in between");
}

pub(crate) async fn bug_08_an_agent_that_begins_a_turn_while_it_starts_does_not_hang(place: Place) {
    let mut rig = Rig::new(place, WAITS);
    assert_eq!(rig.say("start it").await.end.result.as_deref(), Some("It runs."));
    // The next process finds that the command has ended with the one before, and begins with a turn about it.
    rig.restart().await;
    let took = rig.say("and now?").await;
    assert_eq!((took.text().as_str(), took.end.ending.clone()), ("Thank you.", Ending::Completed));
    assert!(ends_told(&took) <= 1, "{:?}", took.events);
}
