//! `kill -9` at random points: nothing that a reader saw is lost or repeated, no run that started is started again, and
//! every run has one terminal event.

use std::time::Duration;

use ambient::agui::{Event, EventKind};

use crate::{
    chance::Chance,
    rig::{Runner, Session, Stream, is_text, text, valid},
};

/// About 200 ms of text.
const WORK: &str = "deltas 200 paced 1000";
/// Kills come up to a little after the end of the work, so that most of them hit a turn.
const SPAN: Duration = Duration::from_millis(230);

/// What one reader saw of a run before the kill.
async fn watch(stream: &mut Stream, until: Duration) -> Vec<(u64, Event)> {
    // A body that is cut off is what a kill looks like to a client.
    let _ = tokio::time::timeout(until, async { while stream.piece().await {} }).await;
    stream.seen()
}

fn terminals(events: &[(u64, Event)]) -> usize {
    let ends = |kind: &EventKind| matches!(kind, EventKind::RunFinished { .. } | EventKind::RunError { .. });
    events.iter().filter(|(_, event)| ends(&event.kind)).count()
}

fn check(seen: &[(u64, Event)], whole: &[(u64, Event)], run: &str) {
    assert_eq!(&whole[..seen.len()], seen, "{run}: what a reader saw is kept as it was");
    assert!(whole.is_sorted_by(|(a, _), (b, _)| a < b), "{run}: ids grow");
    assert_eq!(terminals(whole), 1, "{run}: one terminal event");
    valid(&whole.iter().map(|(_, event)| event.clone()).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_runner_killed_at_a_hundred_points_loses_and_repeats_nothing() {
    let mut chance = Chance::new();
    let session = Session::new();
    let (mut in_turn, mut known) = (0, Vec::new());
    for round in 0..100 {
        let runner = session.start();
        if let Some((run, seen)) = known.pop() {
            recovered(&runner, run, seen).await;
        }
        let run = format!("r{round}");
        let mut stream = runner.begin(&run, WORK).await;
        let seen = watch(&mut stream, chance.up_to(SPAN)).await;
        runner.kill();
        in_turn += usize::from(terminals(&seen) == 0);
        known.push((run, seen));
    }
    let starts = session.log_text().matches("\"type\":\"RUN_STARTED\"").count();
    assert!(starts <= 100, "no run was started twice: {starts}");
    assert!(in_turn >= 75, "the kills hit turns: {in_turn}");
    println!("100 kills of the runner, {in_turn} of them in mid-turn");
}

async fn recovered(runner: &Runner, run: String, seen: Vec<(u64, Event)>) {
    let whole = runner.begin(&run, WORK).await.frames().await;
    check(&seen, &whole, &run);
}

#[tokio::test]
async fn an_agent_killed_at_sixty_points_fails_its_run_and_no_other() {
    let mut chance = Chance::new();
    let session = Session::new();
    let runner = session.start();
    let mut crashed = 0;
    for round in 0..60 {
        let run = format!("r{round}");
        let mut stream = runner.begin(&run, &format!("pid; {WORK}")).await;
        let mut first = stream.until(is_text).await;
        // A number may come in several pieces: its message must be whole before anything is killed by it.
        first.extend(stream.until(|kind| matches!(kind, EventKind::TextMessageEnd { .. })).await);
        let pid = text(&first).parse().unwrap();
        tokio::time::sleep(chance.up_to(SPAN)).await;
        kill(pid);
        let events = [first, stream.rest().await].concat();
        valid(&events);
        let reason = crate::rig::outcome(&events)["reason"].clone();
        assert!(reason == "AgentCrashed" || reason == "Completed", "{reason}");
        crashed += usize::from(reason == "AgentCrashed");
    }
    assert!(crashed >= 45, "the kills hit turns: {crashed}");
    println!("60 kills of the agent, {crashed} of them in mid-turn");
}

fn kill(pid: i32) {
    let pid = rustix::process::Pid::from_raw(pid).unwrap();
    // Gone already: it ended first.
    let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
}
