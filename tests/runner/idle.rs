//! How many agents without work are kept.

use std::path::Path;

use serde_json::Value;

use crate::rig::{Runner, SOON, Session, Stream, THREAD, input, is_text, outcome, text};

/// Runs a run on a thread; what the agent says.
async fn tell(runner: &Runner, thread: &str, run: &str, prompt: &str) -> String {
    text(&elsewhere(runner, thread, run, prompt).await.rest().await)
}

async fn elsewhere(runner: &Runner, thread: &str, run: &str, prompt: &str) -> Stream {
    let mut body: Value = input(run, prompt);
    body["threadId"] = thread.into();
    Stream::of(runner.post("/", &body).await)
}

/// Waits until a process is gone.
async fn gone(pid: &str) {
    let process = Path::new("/proc").join(pid);
    let waiting = async {
        while process.exists() {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    assert!(tokio::time::timeout(SOON, waiting).await.is_ok(), "{pid} is there still");
}

#[tokio::test]
async fn bug_22_the_agent_that_has_been_idle_longest_goes_when_there_are_too_many() {
    let session = Session::new().env("AMBIENT_IDLE_AGENTS", "2");
    let runner = session.start();
    // This thread has the agent that the runner has started by itself.
    let first = tell(&runner, THREAD, "r1", "pid").await;
    let conversation = tell(&runner, THREAD, "r1b", "session").await;
    let second = tell(&runner, "b", "r2", "pid").await;
    let third = tell(&runner, "c", "r3", "pid").await;
    gone(&first).await;
    assert_eq!(tell(&runner, "b", "r4", "pid").await, second);
    assert_eq!(tell(&runner, "c", "r5", "pid").await, third);
    let again = tell(&runner, THREAD, "r6", "session").await;
    let id = |said: &str| said.trim().split(' ').next().unwrap().to_owned();
    assert_eq!(id(&again), id(&conversation), "the conversation stays");
    assert!(again.contains("resumed=true"), "{again}");
}

#[tokio::test]
async fn an_agent_at_work_is_never_in_the_way_of_another() {
    let session = Session::new().env("AMBIENT_IDLE_AGENTS", "1");
    let runner = session.start();
    let busy = tell(&runner, THREAD, "r1", "pid").await;
    let mut turn = elsewhere(&runner, THREAD, "r2", "echo one; hang").await;
    turn.until(is_text).await;
    let other = tell(&runner, "b", "r3", "pid").await;
    tell(&runner, "c", "r4", "pid").await;
    gone(&other).await;
    assert!(Path::new("/proc").join(&busy).exists());
    runner.post("/interrupt", &serde_json::json!({"thread_id": THREAD})).await;
    assert_eq!(outcome(&turn.rest().await)["reason"], "Cancelled");
    assert_eq!(tell(&runner, THREAD, "r5", "pid").await, busy, "it had its turn in peace");
}

#[tokio::test]
async fn without_idle_agents_each_turn_has_a_process_of_its_own() {
    let session = Session::new().env("AMBIENT_IDLE_AGENTS", "0");
    let runner = session.start();
    let first = tell(&runner, "a", "r1", "pid").await;
    gone(&first).await;
    assert_ne!(tell(&runner, "a", "r2", "pid").await, first);
}
