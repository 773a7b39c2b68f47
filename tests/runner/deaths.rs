//! The runner ends, kindly or not, and the next one goes on.

use std::time::Duration;

use ambient::agui::EventKind;

use crate::rig::{Session, Stream, error_code, is_text, outcome, text, valid};

fn ended(kind: &EventKind) -> bool {
    matches!(kind, EventKind::RunFinished { .. } | EventKind::RunError { .. })
}

#[tokio::test]
async fn bug_21_sigterm_in_mid_turn_ends_the_run_and_then_the_runner() {
    let session = Session::new();
    let runner = session.start();
    let mut stream = runner.begin("r1", "echo one; hang").await;
    let mut seen = stream.until(is_text).await;
    runner.terminate();
    seen.extend(stream.rest().await);
    let (status, took, log) = runner.end();
    valid(&seen);
    assert_eq!(error_code(&seen), Some("SessionStopped"));
    assert!(status.success(), "{log}");
    assert!(took < Duration::from_secs(20), "{took:?}");
}

#[tokio::test]
async fn a_run_that_waited_is_started_by_the_next_runner_and_the_stopped_one_is_not() {
    let session = Session::new();
    let runner = session.start();
    let mut first = runner.begin("r1", "echo one; hang").await;
    first.until(is_text).await;
    let waiting = runner.begin("r2", "echo two").await;
    runner.terminate();
    assert!(waiting.rest().await.is_empty());
    runner.end();
    let runner = session.start();
    let mut tail = Stream::of(runner.get("/events/s1?after=0").await);
    let first = tail.until(ended).await;
    let second = tail.until(ended).await;
    assert_eq!(error_code(&first), Some("SessionStopped"));
    assert_eq!(text(&second), "two");
    valid(&[first, second].concat());
}

#[tokio::test]
async fn a_killed_runners_run_is_ended_once_and_never_started_again() {
    let session = Session::new();
    let runner = session.start();
    let mut stream = runner.begin("r1", "echo one; hang").await;
    let seen = stream.until(is_text).await;
    runner.kill();
    let runner = session.start();
    let events = runner.run("r1", "the same run").await;
    valid(&events);
    assert_eq!(events[..seen.len()], seen, "what a reader saw is kept");
    assert_eq!(error_code(&events), Some("RunnerLost"));
    assert_eq!(outcome(&events)["reason"], "RunnerLost");
    assert_eq!(text(&runner.run("r2", "echo next").await), "next");
    runner.kill();
    let runner = session.start();
    assert_eq!(runner.run("r1", "still the same run").await, events, "ended once");
}

#[tokio::test]
async fn a_second_runner_is_kept_from_the_sessions_log() {
    let session = Session::new();
    let _runner = session.start();
    let (code, said) = session.refuse();
    assert_eq!(code, Some(3));
    assert!(said.contains("in use by another process"), "{said}");
}

#[tokio::test]
async fn the_initial_prompt_is_given_once_for_the_life_of_the_session() {
    let session = Session::new().env("INITIAL_PROMPT", "echo the first words");
    for _ in 0..2 {
        let runner = session.start();
        let mut tail = Stream::of(runner.get("/events/s1?after=0").await);
        let events = tail.until(ended).await;
        assert_eq!(text(&events), "the first words");
        let next = runner.run("r2", "echo next").await;
        assert_eq!(text(&next), "next");
        runner.terminate();
        runner.end();
    }
    let starts = session.log_text().matches("\"type\":\"RUN_STARTED\"").count();
    assert_eq!(starts, 2);
}

#[tokio::test]
async fn a_resumed_session_gets_no_initial_prompt() {
    let session = Session::new().env("INITIAL_PROMPT", "echo the first words").env("IS_RESUME", "true");
    let runner = session.start();
    assert_eq!(text(&runner.run("r1", "echo hi").await), "hi");
    assert!(!session.log_text().contains("the first words"));
}

/// What a session whose workspace is kept does when it is stopped and resumed: another pod, the same folders.
#[tokio::test]
async fn a_runner_that_stops_and_starts_on_the_same_volume_goes_on_with_the_conversation() {
    let session = Session::new();
    let runner = session.start();
    let before = text(&runner.run("r1", "session").await);
    runner.terminate();
    runner.end();
    let runner = session.start();
    let after = text(&runner.run("r2", "session").await);
    let id = |said: &str| said.trim().split(' ').next().unwrap().to_owned();
    assert_eq!(id(&after), id(&before));
    assert!(after.contains("resumed=true"), "{after}");
}
