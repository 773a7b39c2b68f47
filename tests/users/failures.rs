//! A backend that is slow, down, refuses or talks nonsense: the agent reads why, and nothing hangs.

use std::time::Duration;

use crate::{
    backend::{Backend, Mood},
    people::{ALICE, input, left, password, session},
    rig::{Stream, client, text},
};

/// What the agent's shell sees when git asks.
const ASK: &str = "sh printf 'protocol=https\\nhost=github.com\\n\\n' | git credential fill";

async fn seen(mood: Mood) -> String {
    let backend = Backend::start(mood).await;
    let session = session(&backend);
    let runner = session.start();
    text(&ALICE.run(&runner, "t", "r1", ASK).await)
}

#[tokio::test]
async fn nonsense_is_said_and_never_repeated() {
    for (status, body, expected) in [
        (200, "<html>hunter2-hunter2</html>", "the backend's answer is no credential"),
        (200, "[1]", "the backend's answer is no credential"),
        (200, "{\"token\": \"hunter2\\nhunter2\"}", "the backend's answer is no credential"),
        (200, "{\"token\": \"\"}", "there is no GitHub credential for alice: connect GitHub"),
        (404, "hunter2-hunter2", "there is no GitHub credential for alice: connect GitHub"),
        (403, "hunter2-hunter2", "refuses the GitHub credential for alice (HTTP 403)"),
        (500, "hunter2-hunter2", "the backend answers HTTP 500"),
    ] {
        let said = seen(Mood::Says(status, body.to_owned())).await;
        assert!(said.contains(expected) && !said.contains("hunter2"), "{status} {body}: {said}");
    }
}

#[tokio::test]
async fn an_answer_without_end_is_cut_off() {
    let said = seen(Mood::Says(200, "x".repeat(10_000_000))).await;
    assert!(said.contains("longer than 65536 bytes"), "{said}");
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let said = seen(Mood::Redirects("/elsewhere".to_owned())).await;
    assert!(said.contains("the backend answers HTTP 307"), "{said}");
}

#[tokio::test]
async fn a_backend_that_is_down_is_said() {
    let backend = Backend::start(Mood::Silent).await;
    // A port that is taken and on which nobody listens.
    let taken = tokio::net::TcpSocket::new_v4().unwrap();
    taken.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let down = Backend { url: format!("http://{}", taken.local_addr().unwrap()), ..backend };
    let session = session(&down);
    let runner = session.start();
    let said = text(&ALICE.run(&runner, "t", "r1", ASK).await);
    assert!(said.contains("cannot be reached") && said.contains("try again"), "{said}");
}

#[tokio::test]
async fn a_backend_that_never_answers_is_given_up() {
    let said = seen(Mood::Silent).await;
    assert!(said.contains("did not answer within 10 s"), "{said}");
}

#[tokio::test]
async fn a_slow_backend_is_waited_for_and_one_that_is_well_again_is_asked_again() {
    let backend = Backend::start(Mood::Slow(Duration::from_millis(300))).await;
    let session = session(&backend);
    let runner = session.start();
    ALICE.run(&runner, "t", "r1", &format!("{ASK} > a")).await;
    assert!(password(&session, "a").starts_with("github-secret-of-alice-"));
    backend.feels(Mood::Says(503, String::new()));
    ALICE.run(&runner, "t", "r2", &format!("{ASK} > b")).await;
    assert_eq!(password(&session, "a"), password(&session, "b"), "what is good is kept");
}

#[tokio::test]
async fn a_caller_token_that_has_ended_is_replaced_by_the_runners_own_for_the_same_person() {
    let backend = Backend::start(Mood::Well { seconds: 3600 }).await;
    let session = session(&backend);
    let runner = session.start();
    let request = client().post(format!("{}/run", runner.url)).json(&input("t", "r1", &format!("{ASK} > a")));
    let request = request.header("X-Current-User-Id", "alice").header("X-Caller-Token", "Bearer expired");
    Stream::of(request.send().await.unwrap()).rest().await;
    assert!(password(&session, "a").starts_with("github-secret-of-alice-"), "{}", left(&session, "a"));
    let asked: Vec<_> = backend.asked().into_iter().map(|asked| (asked.authorization, asked.user)).collect();
    let alice = "alice".to_owned();
    let expected = [("Bearer expired".to_owned(), alice.clone()), ("Bearer bot-token-0123456789".to_owned(), alice)];
    assert_eq!(asked, expected);
}

#[tokio::test]
async fn a_backend_outside_of_the_cluster_is_refused_and_the_session_goes_on() {
    let backend = Backend::start(Mood::Silent).await;
    let outside = Backend { url: "http://backend.example.com/api".to_owned(), ..backend };
    let session = session(&outside);
    let runner = session.start();
    assert_eq!(text(&ALICE.run(&runner, "t", "r1", "echo hello").await), "hello");
    runner.terminate();
    let (_, _, log) = runner.end();
    assert!(log.contains("backend.example.com, which is outside"), "{log}");
}
