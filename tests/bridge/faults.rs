//! Processes that die, conversations that are lost, lines of any kind.

use std::time::{Duration, Instant};

use ambient::{
    agui::EventKind,
    bridge::{Bridge, Ending, FailureKind},
};
use serde_json::json;

use crate::{
    ends::{failed, script_file},
    rig::{Place, Rig, SOON, prompt},
};

const SLOW: &str = "
rules:
  - {when: {prompt: slow}, reply: [{text: 'word ', repeat: 2000, per_second: 50}]}
  - {when: {step: any}, reply: [{text: 'I heard: ${prompt}'}]}
";

pub(crate) async fn row_15_lines_of_any_length(place: Place) {
    let rig = Rig::new(
        place,
        "rules: [{when: {}, reply: [{text: '0123456789abcde ', repeat: 262144, split: whole}, {text: End.}]}]",
    );
    let took = rig.say("a lot").await;
    let longest = took.all("TEXT_MESSAGE_CONTENT").iter().map(|event| event["delta"].as_str().unwrap().len()).max();
    assert_eq!(longest, Some(4 << 20), "4 MB in one line");
    assert_eq!(took.end.result.as_deref(), Some("End."));
}

/// A stand-in that is ready at once, and answers a prompt with these lines.
fn fake(place: &Place, lines: &str) -> std::path::PathBuf {
    let ready =
        r#"{"type":"control_response","response":{"subtype":"success","request_id":"ambient-1","response":{}}}"#;
    script_file(
        place,
        &format!("read -r line\necho '{ready}'\nread -r line\ncat <<'END'\n{lines}\nEND\ncat >/dev/null"),
    )
}

pub(crate) async fn row_16_unknown_messages_and_fields(place: Place) {
    let fake = fake(
        &place,
        r#"a word of the runtime
{"type":"of_tomorrow","x":[1,{"y":2}]}
{"type":"system","subtype":"init","session_id":"s1","of_tomorrow":true}
{"type":"system","subtype":"of_tomorrow","x":1}
{"type":"stream_event","event":{"type":"of_tomorrow"},"parent_tool_use_id":null}
{"type":"stream_event","event":{"type":"message_start","message":{"id":"m1","of_tomorrow":{}}},"parent_tool_use_id":null}
{"type":"stream_event","event":{"type":"content_block_start","index":0,"content_block":{"type":"of_tomorrow"}},"parent_tool_use_id":null}
{"type":"stream_event","event":{"type":"content_block_delta","index":0,"delta":{"type":"of_tomorrow","x":1}},"parent_tool_use_id":null}
{"type":"stream_event","event":{"type":"content_block_start","index":1,"content_block":{"type":"text","text":""}},"parent_tool_use_id":null}
{"type":"stream_event","event":{"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"Hi","new":1}},"parent_tool_use_id":null}
{"type":"rate_limit_event","rate_limit_info":{"status":"allowed_warning","resetsAt":1795380000,"rateLimitType":"five_hour"}}
{"type":"control_request","request_id":"q1","request":{"subtype":"of_tomorrow"}}
{"type":42}
[1,2]
{"of_tomorrow":true,"type":"result","subtype":"of_tomorrow","is_error":false,"result":"Hi","num_turns":1}"#,
    );
    let rig = Rig::with(place, "rules: []", |config| config.command = fake.into());
    let took = rig.say("hello").await;
    assert_eq!((took.text().as_str(), &took.end.ending), ("Hi", &Ending::Completed));
    assert_eq!(took.end.agent_session_id.as_deref(), Some("s1"));
    assert!(took.all("RAW").iter().any(|event| event["event"]["subtype"] == "of_tomorrow"));
    assert_eq!(took.custom("ambient:rate_limit")[0]["resetsAt"], 1_795_380_000);
}

pub(crate) async fn bug_13_a_prompt_after_a_death_while_idle_is_not_lost(place: Place) {
    let rig = Rig::new(place, SLOW);
    let first = rig.say("one").await;
    rig.kill_agent();
    let second = rig.say("two").await;
    assert_eq!((second.text().as_str(), &second.end.ending), ("I heard: two", &Ending::Completed));
    assert_eq!(first.end.agent_session_id, second.end.agent_session_id);
    let said = serde_json::to_string(&rig.model.conversations().last().unwrap().messages).unwrap();
    assert!(said.contains("one"), "it remembers: {said}");
    assert_eq!(said.matches("two").count(), 1, "the prompt is given once: {said}");
}

pub(crate) async fn bug_22_an_idle_agent_is_evicted_after_a_time(place: Place) {
    let rig = Rig::with(place, SLOW, |config| {
        config.timing.idle = Duration::from_millis(100);
    });
    let first = rig.say("one").await;
    rig.until_no_agent().await;
    let second = rig.say("two").await;
    assert_eq!(second.text(), "I heard: two");
    assert_eq!(first.end.agent_session_id, second.end.agent_session_id);
}

pub(crate) async fn row_21_death_in_mid_turn(place: Place) {
    let rig = Rig::new(place, SLOW);
    rig.say("one").await;
    let mut turn = rig.start(rig.spec(), prompt("slow"));
    turn.until("text", |event| matches!(event.kind, EventKind::TextMessageContent { .. })).await;
    rig.kill_agent();
    let took = turn.finish().await;
    let (kind, message) = failed(&took.end.ending);
    assert_eq!(*kind, FailureKind::AgentCrashed { out_of_memory: false });
    assert!(message.contains("signal 9"), "{message}");
    assert_eq!(rig.say("again").await.text(), "I heard: again");
}

pub(crate) async fn bug_01_a_lost_transcript_is_told_and_does_not_hang_the_run(place: Place) {
    let mut rig = Rig::new(place, SLOW);
    let first = rig.say("one").await;
    rig.bridge.shutdown().await;
    std::fs::remove_dir_all(rig.dir().join("cli/projects")).unwrap();
    rig.restart().await;
    let took = rig.say("two").await;
    assert!(took.text().ends_with("I heard: two"), "the prompt is answered: {}", took.text());
    let lost = took.custom("ambient:conversation_lost");
    assert_eq!(lost[0]["agentSessionId"], json!(first.end.agent_session_id));
    assert!(took.all("TEXT_MESSAGE_START").iter().any(|event| event["role"] == "developer"), "and the loss is said");
    assert_ne!(first.end.agent_session_id, took.end.agent_session_id);
    let third = rig.say("three").await;
    assert_eq!((third.text().as_str(), third.custom("ambient:conversation_lost").len()), ("I heard: three", 0));
}

pub(crate) async fn row_23_damaged_session_map(place: Place) {
    let mut rig = Rig::new(place, SLOW);
    rig.say("one").await;
    let map = rig.dir().join("data/claude_session_ids.json");
    std::fs::write(&map, "{\"thread\": \"ab").unwrap();
    rig.restart().await;
    let took = rig.say("two").await;
    assert!(took.text().ends_with("I heard: two"));
    assert!(took.custom("ambient:conversation_lost")[0]["reason"].as_str().unwrap().contains("damaged"));
}

pub(crate) async fn row_26_a_model_that_never_answers(place: Place) {
    let rig = Rig::new(place, "rules: [{when: {}, silent: true}]");
    let mut turn = rig.start(rig.spec(), prompt("hello?"));
    turn.until(
        "the request",
        |event| matches!(&event.kind, EventKind::Raw { event, .. } if event["status"] == "requesting"),
    )
    .await;
    let deadline = Instant::now();
    turn.interrupt.cancel();
    let took = turn.finish().await;
    assert_eq!(took.end.ending, Ending::Interrupted);
    assert!(deadline.elapsed() < SOON, "{:?}", deadline.elapsed());
}

pub(crate) async fn row_26_an_agent_that_does_not_obey(place: Place) {
    let ready =
        r#"{"type":"control_response","response":{"subtype":"success","request_id":"ambient-1","response":{}}}"#;
    let fake = script_file(
        &place,
        &format!(
            "trap '' TERM INT\nread -r line\necho '{ready}'\nread -r line\necho '{{\"type\":\"system\",\"subtype\":\"init\"}}'\nwhile :; do sleep 1; done"
        ),
    );
    let rig = Rig::with(place, "rules: []", |config| {
        config.command = fake.into();
        config.timing.interrupt = Duration::from_millis(300);
        config.timing.signal = Duration::from_millis(300);
    });
    let mut turn = rig.start(rig.spec(), prompt("hello?"));
    turn.until("init", |event| matches!(event.kind, EventKind::Raw { .. })).await;
    let deadline = Instant::now();
    turn.interrupt.cancel();
    assert_eq!(turn.finish().await.end.ending, Ending::Interrupted);
    assert!(deadline.elapsed() < SOON, "{:?}", deadline.elapsed());
}

pub(crate) async fn shutdown_ends_turns_and_processes(place: Place) {
    let rig = Rig::new(place, SLOW);
    let mut turn = rig.start(rig.spec(), prompt("slow"));
    turn.until("text", |event| matches!(event.kind, EventKind::TextMessageContent { .. })).await;
    let asked = Instant::now();
    let (took, ()) = tokio::join!(turn.finish(), rig.bridge.shutdown());
    assert_eq!(took.end.ending, Ending::Interrupted);
    assert!(asked.elapsed() < SOON, "{:?}", asked.elapsed());
    rig.until_no_agent().await;
}
