//! Background tasks that end between runs, as clients see it.

use ambient::agui::{Event, EventKind};
use serde_json::{Value, json};

use crate::rig::{Runner, SOON, Session, Stream, THREAD, client, input, outcome, text, valid};

/// What the run of its own says.
const SAID: &str = "A background task has ended (stopped): Wait";

async fn run_as(runner: &Runner, user: &str, run: &str, prompt: &str) -> Vec<Event> {
    let request = client().post(format!("{}/run", runner.url)).header("X-Current-User-Id", user);
    let answer = request.json(&input(run, prompt)).send().await.unwrap();
    assert_eq!(answer.status(), 200, "{run}");
    Stream::of(answer).rest().await
}

/// A runner whose agent has put a task into the background; `after` says what follows its end.
async fn in_background(session: &Session, after: &str) -> (Runner, String) {
    let runner = session.start();
    let events = run_as(&runner, "alice", "r1", &format!("pid; background {after}")).await;
    assert_eq!(outcome(&events)["reason"], "Completed");
    let pid = text(&events).trim().to_owned();
    (runner, pid)
}

/// Ends the task.
async fn end_task(runner: &Runner) {
    let stop = format!("{}/tasks/task-1/stop", runner.url);
    let answer = client().post(stop).header("X-Current-User-Id", "alice").send().await.unwrap();
    assert_eq!(answer.status(), 200);
}

/// Reads the thread from its beginning until a run has ended that fits.
async fn until_ended(runner: &Runner, fits: impl Fn(&str, &EventKind) -> bool) -> Vec<Event> {
    let mut stream = Stream::of(runner.get(&format!("/events/{THREAD}?after=0")).await);
    let mut events = stream.until(|kind| matches!(kind, EventKind::RunStarted { .. })).await;
    loop {
        let run = current(&events);
        let more = stream.until(is_end).await;
        events.extend(more);
        if fits(&run, &events.last().unwrap().kind) {
            valid(&events);
            return events;
        }
        events.extend(stream.until(|kind| matches!(kind, EventKind::RunStarted { .. })).await);
    }
}

fn is_end(kind: &EventKind) -> bool {
    matches!(kind, EventKind::RunFinished { .. } | EventKind::RunError { .. })
}

/// The run that began last.
fn current(events: &[Event]) -> String {
    let started = events.iter().rev().find_map(|event| match &event.kind {
        EventKind::RunStarted { run_id, .. } => Some(run_id.to_string()),
        _ => None,
    });
    started.unwrap()
}

fn is_own(run: &str, _: &EventKind) -> bool {
    !["r1", "r2"].contains(&run)
}

/// The last run of a thread.
fn last_run(events: &[Event]) -> &[Event] {
    let begin = events.iter().rposition(|event| matches!(event.kind, EventKind::RunStarted { .. })).unwrap();
    &events[begin..]
}

fn ends_told(events: &[Event]) -> usize {
    let told =
        |event: &&Event| matches!(&event.kind, EventKind::Raw { event, .. } if event["subtype"] == "task_notification");
    events.iter().filter(told).count()
}

/// One more run of a person; then all that the thread has said tells the end once, and no run of its own is empty.
async fn told_once(runner: &Runner) -> Vec<Event> {
    let later = run_as(runner, "alice", "r2", "echo Later.").await;
    assert_eq!(text(&later), "Later.");
    let events = until_ended(runner, |run, _| run == "r2").await;
    assert_eq!(ends_told(&events), 1, "{events:?}");
    let begins = events.iter().enumerate().filter(|(_, event)| matches!(event.kind, EventKind::RunStarted { .. }));
    for (at, _) in begins {
        let run = &events[at..];
        let run = &run[..=run.iter().position(|event| is_end(&event.kind)).unwrap()];
        assert!(ends_told(run) > 0 || !text(run).is_empty(), "an empty run: {run:?}");
    }
    events
}

async fn status(runner: &Runner) -> Value {
    let answer: Value = runner.get("/tasks").await.json().await.unwrap();
    answer["tasks"][0]["status"].clone()
}

fn is_silent(events: &[Event]) {
    let run = last_run(events);
    assert_eq!((ends_told(run), text(run)), (1, String::new()));
    let outcome = outcome(run);
    assert_eq!((&outcome["reason"], &outcome["result"]), (&json!("Completed"), &json!(SAID)));
    assert!(matches!(&run.last().unwrap().kind, EventKind::RunFinished { result, .. } if *result == Some(json!(SAID))));
}

#[tokio::test]
async fn bug_08_a_task_that_ends_in_silence_has_a_run_of_its_own() {
    let session = Session::new();
    let (runner, _) = in_background(&session, "").await;
    end_task(&runner).await;
    is_silent(&until_ended(&runner, is_own).await);
    assert_eq!(status(&runner).await, "stopped");
    let events = told_once(&runner).await;
    assert_eq!(ends_told(last_run(&events)), 0);
}

#[tokio::test]
async fn bug_08_a_task_that_the_agent_goes_on_from_is_told_once() {
    let session = Session::new();
    let (runner, _) = in_background(&session, "turn").await;
    end_task(&runner).await;
    let goes_on = |_: &str, kind: &EventKind| matches!(kind, EventKind::RunFinished { result, .. } if *result == Some(json!("It has ended.")));
    let events = until_ended(&runner, goes_on).await;
    assert_eq!((ends_told(&events), text(last_run(&events))), (1, "It has ended.".to_owned()));
    told_once(&runner).await;
}

#[tokio::test]
async fn bug_08_the_next_prompt_or_a_run_of_its_own_tells_the_end() {
    let session = Session::new();
    let (runner, _) = in_background(&session, "").await;
    end_task(&runner).await;
    told_once(&runner).await;
}

#[tokio::test]
async fn bug_08_what_a_process_said_before_it_died_is_not_lost() {
    let session = Session::new();
    let (runner, _) = in_background(&session, "death").await;
    end_task(&runner).await;
    is_silent(&until_ended(&runner, is_own).await);
    assert_eq!(status(&runner).await, "stopped");
    told_once(&runner).await;
}

#[tokio::test]
async fn bug_08_what_an_idle_process_said_before_it_was_ended_is_not_lost() {
    let session = Session::new().env("AMBIENT_IDLE_AGENT_SECONDS", "1");
    let (runner, _) = in_background(&session, "").await;
    end_task(&runner).await;
    let events = until_ended(&runner, is_own).await;
    is_silent(&events);
    assert_eq!(ends_told(&events), 1);
}

#[tokio::test]
async fn bug_08_what_a_process_said_before_another_one_took_its_place_is_not_lost() {
    let session = Session::new();
    let (runner, _) = in_background(&session, "").await;
    end_task(&runner).await;
    // Another person's run has another process.
    assert_eq!(text(&run_as(&runner, "bob", "b1", "echo For bob.").await), "For bob.");
    told_once(&runner).await;
}

#[tokio::test]
async fn bug_08_a_process_that_dies_in_a_turn_of_its_own_before_anybody_takes_it_leaves_the_end() {
    let session = Session::new().env("AMBIENT_TURN_LIMIT", "1");
    let (runner, pid) = in_background(&session, "crash").await;
    // No other turn may go while this one does.
    let mut busy = input("other", "hang");
    busy["threadId"] = json!("s2");
    let mut busy = Stream::of(runner.post("/run", &busy).await);
    busy.until(|kind| matches!(kind, EventKind::StepFinished { .. })).await;
    end_task(&runner).await;
    let gone = async {
        while std::path::Path::new("/proc").join(&pid).exists() {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(SOON, gone).await.unwrap();
    assert_eq!(runner.post("/interrupt", &json!({"thread_id": "s2"})).await.status(), 200);
    busy.rest().await;
    is_silent(&until_ended(&runner, is_own).await);
    told_once(&runner).await;
}

#[tokio::test]
async fn bug_08_a_runner_ends_while_the_end_of_a_task_waits() {
    let session = Session::new();
    let (runner, _) = in_background(&session, "").await;
    end_task(&runner).await;
    runner.terminate();
    let (status, took, log) = runner.end();
    assert!(status.success() && took < SOON, "{status} after {took:?}: {log}");
}
