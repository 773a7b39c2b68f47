//! Who is behind a run: processes, queues and interrupts of several people.

use serde_json::json;

use crate::{
    backend::{Backend, Mood},
    people::{ALICE, BOB, input, session},
    rig::{Session, Stream, client, is_text, outcome, text},
};

#[tokio::test]
async fn another_persons_run_gets_another_process_and_the_same_conversation() {
    let session = Session::new();
    let runner = session.start();
    let of = async |person: crate::people::Person, run: &str| text(&person.run(&runner, "t", run, "session").await);
    let first = of(ALICE, "r1").await;
    let second = of(ALICE, "r2").await;
    let third = of(BOB, "r3").await;
    let id = |said: &str| said.split_whitespace().next().unwrap().to_owned();
    assert!(second.ends_with("turn=2"), "the same person's next run finds her agent: {second}");
    assert!(third.ends_with("resumed=true turn=1"), "{third}");
    assert_eq!(id(&first), id(&third), "one conversation");
}

#[tokio::test]
async fn a_new_token_of_the_same_person_restarts_nothing() {
    let session = Session::new();
    let runner = session.start();
    for (number, token) in ["one", "two", "three"].iter().enumerate() {
        let body = input("t", &format!("r{number}"), "session");
        let request = client().post(format!("{}/run", runner.url)).json(&body);
        let request = request.header("X-Current-User-Id", "alice").header("X-Caller-Token", *token);
        let said = text(&Stream::of(request.send().await.unwrap()).rest().await);
        assert!(said.ends_with(&format!("turn={}", number + 1)), "{said}");
    }
}

#[tokio::test]
async fn the_sessions_own_user_finds_the_warm_agent() {
    let session = Session::new().env("USER_ID", "alice");
    let runner = session.start();
    let nobody = text(&runner.run("r1", "session").await);
    let alice = text(&ALICE.run(&runner, crate::rig::THREAD, "r2", "session").await);
    assert!(nobody.ends_with("turn=1") && alice.ends_with("turn=2"), "{nobody} {alice}");
}

#[tokio::test]
async fn bug_04_another_persons_post_waits_behind_a_turn_and_runs_beside_it_on_another_thread() {
    let session = Session::new();
    let runner = session.start();
    let mut alices = ALICE.begin(&runner, "t", "r1", "echo one; hang").await;
    let mut seen = alices.until(is_text).await;
    // On another thread bob's turn comes and goes while hers goes on.
    assert_eq!(text(&BOB.run(&runner, "u", "r2", "echo beside").await), "beside");
    let bobs = BOB.begin(&runner, "t", "r3", "echo behind").await;
    let stopped = ALICE.post(&runner, "/interrupt", &json!({"thread_id": "t"})).await;
    assert_eq!(stopped.status(), 200);
    seen.extend(alices.rest().await);
    assert_eq!(outcome(&seen)["reason"], "Cancelled", "she ended it herself");
    assert_eq!(text(&bobs.rest().await), "behind");
}

#[tokio::test]
async fn bug_04_bob_cannot_stop_alices_turn_and_the_platform_can() {
    let session = Session::new();
    let runner = session.start();
    let mut alices = ALICE.begin(&runner, "t", "r1", "echo one; hang").await;
    let mut seen = alices.until(is_text).await;
    for body in [json!({"thread_id": "t"}), json!({"thread_id": "t", "run_id": "r1"})] {
        let refused = BOB.post(&runner, "/interrupt", &body).await;
        assert_eq!(refused.status(), 403);
        assert!(refused.text().await.unwrap().contains("belongs to alice"));
    }
    let waiting = ALICE.begin(&runner, "t", "r2", "echo two").await;
    assert_eq!(BOB.post(&runner, "/interrupt", &json!({"thread_id": "t", "run_id": "r2"})).await.status(), 403);
    assert_eq!(runner.post("/interrupt", &json!({"thread_id": "t"})).await.status(), 200);
    seen.extend(alices.rest().await);
    assert_eq!(outcome(&seen)["reason"], "Cancelled");
    assert_eq!(text(&waiting.rest().await), "two");
}

#[tokio::test]
async fn a_callers_token_is_never_on_disk_also_when_the_runner_is_killed() {
    let backend = Backend::start(Mood::Well { seconds: 3600 }).await;
    let session = session(&backend);
    let runner = session.start();
    let mut going = ALICE.begin(&runner, "t", "r1", "echo one; hang").await;
    going.until(is_text).await;
    // These wait: what they need is in the journal.
    let _waiting =
        [ALICE.begin(&runner, "t", "r2", "echo two").await, BOB.begin(&runner, "t", "r3", "echo three").await];
    runner.kill();
    let kept = session.log_text();
    assert!(kept.contains("alice") && kept.contains("echo three"), "who waits is remembered");
    for token in ["caller-alice", "caller-bob", "bot-token-0"] {
        assert!(!kept.contains(token), "{token}");
    }
    let runner = session.start();
    assert_eq!(text(&BOB.run(&runner, "t", "r3", "the same run").await), "three");
}
