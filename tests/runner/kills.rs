//! `kill -9` at random points: nothing that a reader saw is lost or repeated, no run that started is started again, and
//! every run has one terminal event.

use std::{path::PathBuf, time::Duration};

use ambient::agui::{Event, EventKind};

use crate::{
    chance::Chance,
    claude::{TALKS, claude},
    model::Model,
    rig::{Runner, Session, Stream, is_text, text, valid},
};

/// About 240 ms of text.
const WORK: &str = "deltas 240 paced 1000";
/// Kills come up to about the end of the work, so that nearly all of them hit a turn.
const SPAN: Duration = Duration::from_millis(250);
/// The same with the real CLI, which answers for 4 s.
const REAL_SPAN: Duration = Duration::from_secs(2);

/// What one reader saw of a run up to a time after something was said.
async fn watch(stream: &mut Stream, said: &str, until: Duration) -> Vec<(u64, Event)> {
    while !stream.raw.contains(said) {
        assert!(stream.piece().await, "the stream ended");
    }
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

/// Kills so many runners, each in a run of its own, and checks what the next one has of it. The times
/// count from the run's start and from its first text in turn.
async fn kill_runners(session: &Session, rounds: usize, work: impl Fn(&str) -> String, span: Duration) {
    let mut chance = Chance::new();
    let (mut in_turn, mut runner) = (0, session.start());
    for round in 0..rounds {
        let run = format!("r{round}");
        let mut stream = runner.begin(&run, &work(&run)).await;
        let said = if round % 2 == 0 { "RUN_STARTED" } else { "TEXT_MESSAGE_CONTENT" };
        let seen = watch(&mut stream, said, chance.up_to(span)).await;
        runner.kill();
        in_turn += usize::from(terminals(&seen) == 0);
        runner = session.start();
        let whole = runner.begin(&run, &work(&run)).await.frames().await;
        check(&seen, &whole, &run);
    }
    let starts = session.log_text().matches("\"type\":\"RUN_STARTED\"").count();
    assert!(starts <= rounds, "no run was started twice: {starts}");
    assert!(in_turn >= rounds * 3 / 4, "the kills hit turns: {in_turn}");
    println!("{rounds} kills of the runner, {in_turn} of them in mid-turn");
    goes_on(&runner).await;
}

/// Whatever was killed, the session takes the next prompt.
async fn goes_on(runner: &Runner) {
    let last = runner.run("last", "echo still here").await;
    assert!(text(&last).contains("still here"), "{last:?}");
}

#[tokio::test]
async fn a_runner_killed_at_a_hundred_points_loses_and_repeats_nothing() {
    kill_runners(&Session::new(), 100, |_| WORK.to_owned(), SPAN).await;
}

#[tokio::test]
async fn a_runner_of_the_real_cli_killed_at_twelve_points_asks_the_model_nothing_twice() {
    let Some((session, model, _)) = real() else { return };
    kill_runners(&session, 12, |run| format!("work on {run}."), REAL_SPAN).await;
    let prompts: Vec<String> = model.conversations().into_iter().map(|request| request.prompt).collect();
    let asked = |run| prompts.iter().filter(|prompt| **prompt == format!("work on r{run}.")).count();
    assert!((0..12).all(|run| asked(run) <= 1), "{prompts:#?}");
}

/// A session of the real CLI and a model that talks, and where the CLI is.
fn real() -> Option<(Session, Model, PathBuf)> {
    let (cli, model) = (claude()?, Model::start(TALKS));
    let session = Session::new().env("AMBIENT_AGENT_COMMAND", cli.to_str().unwrap());
    Some((session.env("ANTHROPIC_BASE_URL", &model.url), model, cli))
}

#[tokio::test]
async fn an_agent_killed_at_sixty_points_fails_its_run_and_no_other() {
    let session = Session::new();
    let runner = session.start();
    let mut chance = Chance::new();
    let mut crashed = 0;
    for round in 0..60 {
        let mut stream = runner.begin(&format!("r{round}"), &format!("pid; {WORK}")).await;
        let mut first = stream.until(is_text).await;
        // A number may come in several pieces: its message must be whole before anything is killed by it.
        first.extend(stream.until(|kind| matches!(kind, EventKind::TextMessageEnd { .. })).await);
        let pid = text(&first).parse().unwrap();
        crashed += usize::from(crashes(stream, first, pid, chance.up_to(SPAN)).await);
    }
    assert!(crashed >= 45, "the kills hit turns: {crashed}");
    println!("60 kills of the agent, {crashed} of them in mid-turn");
    goes_on(&runner).await;
}

#[tokio::test]
async fn a_real_cli_killed_at_eight_points_fails_its_run_and_no_other() {
    let Some((session, _model, cli)) = real() else { return };
    let runner = session.start();
    let mut chance = Chance::new();
    let mut crashed = 0;
    for round in 0..8 {
        let mut stream = runner.begin(&format!("r{round}"), "work").await;
        let first = stream.until(is_text).await;
        crashed += usize::from(crashes(stream, first, agent(&session, &cli), chance.up_to(REAL_SPAN)).await);
    }
    assert!(crashed >= 6, "the kills hit turns: {crashed}");
    println!("8 kills of the real CLI, {crashed} of them in mid-turn");
    goes_on(&runner).await;
}

/// Kills the agent of a run after a time; whether its run failed by that.
async fn crashes(stream: Stream, first: Vec<Event>, pid: i32, after: Duration) -> bool {
    tokio::time::sleep(after).await;
    let pid = rustix::process::Pid::from_raw(pid).unwrap();
    // Gone already: it ended first.
    let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
    let events = [first, stream.rest().await].concat();
    valid(&events);
    let reason = crate::rig::outcome(&events)["reason"].clone();
    assert!(reason == "AgentCrashed" || reason == "Completed", "{reason}");
    reason == "AgentCrashed"
}

/// The process of a session's CLI.
fn agent(session: &Session, cli: &std::path::Path) -> i32 {
    let (cli, workspace) = (cli.canonicalize().unwrap(), session.path("ws").canonicalize().unwrap());
    let link = |pid: i32, name: &str| std::fs::read_link(format!("/proc/{pid}/{name}")).unwrap_or_default();
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let pids = processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let ours = pids.filter(|pid| link(*pid, "exe") == cli && link(*pid, "cwd").starts_with(&workspace));
    ours.min().expect("the agent runs")
}
