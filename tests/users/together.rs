//! Two people at once, for a long time.

use crate::{
    backend::{Backend, Mood},
    people::{ALICE, BOB, Person, helper, password, session},
    rig::{Runner, Session},
};

/// Turns of both together.
const TURNS: usize = 1000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bug_03_in_a_thousand_turns_of_two_people_no_shell_sees_the_others_token() {
    let backend = Backend::start(Mood::Well { seconds: 3600 }).await;
    let session = session(&backend);
    let runner = session.start();
    let turns = |person, thread| many(&runner, &session, person, thread, TURNS / 2);
    tokio::join!(turns(ALICE, "one"), turns(BOB, "two"));
    assert_eq!(backend.asked().len(), 2);
}

async fn many(runner: &Runner, session: &Session, person: Person, thread: &str, turns: usize) {
    let Person(name) = person;
    for turn in 0..turns {
        let file = format!("{name}-{turn}");
        person.run(runner, thread, &file, &helper("github.com", &file)).await;
        assert!(password(session, &file).starts_with(&format!("github-secret-of-{name}-")), "{file}");
    }
}

#[tokio::test]
async fn bug_03_people_who_take_turns_on_one_thread_see_their_own_tokens() {
    let backend = Backend::start(Mood::Well { seconds: 3600 }).await;
    let session = session(&backend);
    let runner = session.start();
    let mut streams = Vec::new();
    for turn in 0..12 {
        let person = [ALICE, BOB][turn % 2];
        let prompt = helper("github.com", &format!("turn-{turn}"));
        streams.push(person.begin(&runner, "t", &format!("r{turn}"), &prompt).await);
    }
    for stream in streams {
        stream.rest().await;
    }
    for turn in 0..12 {
        let name = ["alice", "bob"][turn % 2];
        let got = password(&session, &format!("turn-{turn}"));
        assert!(got.starts_with(&format!("github-secret-of-{name}-")), "{turn}: {got}");
    }
}
