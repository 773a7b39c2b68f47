//! Turns: stopped, continued, counted, prepared.

use ambient::{
    agui::EventKind,
    bridge::{
        Bridge, Ending, SessionSpec, Turn,
        replay::{Pace, ReplayBridge},
    },
};

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::rig::{DEADLINE, Place, Rig, SOON, prompt};

pub(crate) async fn row_09_interrupt(place: Place) {
    let script = "
rules:
  - {when: {prompt: long}, reply: [{text: 'word ', repeat: 2000, per_second: 50}]}
  - {when: {}, reply: [{text: Still here.}]}
";
    let rig = Rig::new(place, script);
    let mut turn = rig.start(rig.spec(), prompt("a long text"));
    turn.until("text", |event| matches!(event.kind, EventKind::TextMessageContent { .. })).await;
    let asked = std::time::Instant::now();
    turn.interrupt.cancel();
    let took = turn.finish().await;
    assert!(asked.elapsed() < SOON, "it took {:?}", asked.elapsed());
    assert_eq!(took.end.ending, Ending::Interrupted);
    assert_eq!(rig.say("and now?").await.text(), "Still here.");
    assert_eq!(rig.model.conversations().len(), 2);
}

pub(crate) async fn row_09_interrupt_of_a_running_tool(place: Place) {
    let script = "
rules:
  - {when: {prompt: wait, step: 0}, reply: [{tool: Bash, input: {command: 'touch began; until [ -e never ]; do sleep 0.1; done', description: Wait}}]}
  - {when: {step: any}, reply: [{text: On we go.}]}
";
    let rig = Rig::new(place, script);
    let mut turn = rig.start(rig.spec(), prompt("wait"));
    turn.until("the end of the call", |event| matches!(event.kind, EventKind::ToolCallEnd { .. })).await;
    let began = rig.work().join("began");
    let waited = tokio::time::timeout(DEADLINE, async {
        while !began.exists() {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    });
    waited.await.unwrap();
    turn.interrupt.cancel();
    let took = turn.finish().await;
    assert_eq!(took.end.ending, Ending::Interrupted);
    assert_eq!(took.one("TOOL_CALL_RESULT")["metadata"]["ambient"]["isError"], true);
    let pid = rig.agent_pid();
    assert_eq!(rig.say("and now?").await.text(), "On we go.");
    assert_eq!(rig.agent_pid(), pid, "the same process goes on");
}

pub(crate) async fn row_09_interrupt_before_anything_happens(place: Place) {
    let rig = Rig::new(place, "rules: [{when: {}, reply: [{text: 'I heard: ${prompt}'}]}]");
    rig.say("one").await;
    for _ in 0..3 {
        let mut turn = rig.start(rig.spec(), prompt("never mind"));
        turn.interrupt.cancel();
        assert_eq!(turn.finish().await.end.ending, Ending::Interrupted);
    }
    assert_eq!(rig.say("two").await.text(), "I heard: two");
}

pub(crate) async fn threads_have_agents_of_their_own(place: Place) {
    let rig = Rig::new(place, "rules: [{when: {}, wait_ms: 300, reply: [{text: 'I heard: ${prompt}'}]}]");
    let other = SessionSpec { thread_id: "thread-2".into(), ..rig.spec() };
    let (one, two) = tokio::join!(rig.say("one"), rig.take(other, prompt("two")));
    assert_eq!((one.text().as_str(), two.text().as_str()), ("I heard: one", "I heard: two"));
    assert_ne!(one.end.agent_session_id, two.end.agent_session_id);
}

pub(crate) async fn row_10_resume_by_session_id(place: Place) {
    let mut rig = Rig::new(place, "rules: [{when: {}, reply: [{text: 'I heard: ${prompt}'}]}]");
    let first = rig.say("remember the number 7").await;
    rig.restart().await;
    let second = rig.say("which number?").await;
    assert_eq!(first.end.agent_session_id, second.end.agent_session_id);
    let asked = rig.model.conversations().last().unwrap().messages.clone();
    let said = serde_json::to_string(&asked).unwrap();
    assert!(said.contains("remember the number 7") && said.contains("which number?"), "{said}");
    assert_eq!(second.text(), "I heard: which number?");
}

pub(crate) async fn row_18_usage_and_cost_per_run(place: Place) {
    let script =
        "rules: [{when: {}, reply: [{text: Yes.}], usage: {input: 10, output: 5, cache_read: 100, cache_write: 20}}]";
    let mut rig = Rig::new(place, script);
    let first = rig.say("one").await.end;
    let second = rig.say("two").await.end;
    rig.restart().await;
    let third = rig.say("three").await.end;
    for end in [&first, &second, &third] {
        let [usage] = &end.usage[..] else { panic!("{end:?}") };
        assert_eq!((usage.input_tokens, usage.output_tokens), (Some(130), Some(5)));
        assert_eq!((usage.cached_input_tokens, usage.cache_write_input_tokens), (Some(100), Some(20)));
        assert_eq!(end.turns, 1);
    }
    let cost = first.cost_usd.unwrap();
    assert!(cost > 0.0);
    assert!((second.cost_usd.unwrap() - cost).abs() < 1e-9, "each run has its own cost");
    assert!((third.cost_usd.unwrap() - cost).abs() < 1e-9, "also after a restart");
}

pub(crate) async fn row_19_started_before_the_first_prompt(place: Place) {
    let rig = Rig::new(place, "rules: [{when: {}, reply: [{text: Warm.}]}]");
    tokio::time::timeout(DEADLINE, rig.bridge.warm(rig.spec())).await.unwrap().unwrap();
    assert!(rig.model.conversations().is_empty(), "nothing is asked before the first prompt");
    let pid = rig.agent_pid();
    assert_eq!(rig.say("hi").await.text(), "Warm.");
    assert_eq!(rig.agent_pid(), pid, "the process that was warm took it");
}

pub(crate) async fn what_was_recorded_plays_the_same_events(place: Place) {
    let recordings = place.path("recordings");
    let script = "
rules:
  - {when: {step: 0}, reply: [{thinking: Hm.}, {text: I look.}, {tool: Bash, input: {command: echo seen, description: Look}}]}
  - {when: {step: 1}, reply: [{text: Seen.}]}
";
    let record = recordings.clone();
    let rig = Rig::with(place, script, |config| config.record = Some(record));
    let live = rig.say("look").await;
    rig.bridge.shutdown().await;
    let recorded = std::fs::read_dir(&recordings).unwrap().next().unwrap().unwrap().path();
    let replay = ReplayBridge::open(&recorded, Pace::Unthrottled).unwrap();
    let (sink, mut events) = mpsc::channel(1024);
    let turn =
        Turn { run_id: "run".into(), session: rig.spec(), input: prompt("look"), interrupt: CancellationToken::new() };
    let end = replay.turn(turn, sink).await;
    let mut played = Vec::new();
    while let Some(event) = events.recv().await {
        played.push(event);
    }
    assert_eq!(played, live.events);
    assert_eq!(end, live.end);
}
