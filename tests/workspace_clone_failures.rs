//! Clones that fail: what people read, what can be tried again, and what is left behind.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed expectation fails the test")]

#[path = "support/bare.rs"]
mod bare;
#[path = "support/git_server.rs"]
mod git_server;
#[path = "support/workspace.rs"]
mod workspace;

use std::time::Duration;

use ambient::workspace::{HydrateError, Next, Progress};
use git_server::{Behaviour, GitServer};
use workspace::Bench;

#[tokio::test]
async fn a_repository_that_does_not_exist_is_named_with_a_remedy_and_the_others_stay() {
    let server = GitServer::start().await;
    server.repository("web", &[("a", "1")]);
    let mut bench = Bench::new("s");
    bench.clone_of(&server.url("nothing"));
    bench.clone_of(&server.url("web"));

    let error = bench.hydrate().await.unwrap_err();

    assert_eq!(error.next(), Next::Act);
    let url = server.url("nothing");
    let address = server.address;
    assert_eq!(
        error.to_string(),
        format!(
            "repository nothing ({url}): not found or no access (git: \"repository '{url}/' not found\"). \
             Check spec.repos[0].url, or add a token for {address}: AMBIENT_GIT_TOKENS='{{\"{address}\":\"TOKEN\"}}'."
        )
    );
    assert!(bench.root().join("repos/web/a").exists());
    assert!(!bench.root().join("repos/nothing").exists());
}

#[tokio::test]
async fn a_server_that_never_answers_is_given_up_at_the_deadline_and_no_process_stays() {
    let server = GitServer::start().await;
    server.treat("slow", Behaviour::Hang);
    let mut bench = Bench::new("s");
    bench.clone_of(&server.url("slow"));
    bench.plan.limits.command = Duration::from_secs(1);

    let error = bench.hydrate().await.unwrap_err();

    assert!(error.to_string().contains("git did not end within 1 s"), "{error}");
    let address = server.address.to_string();
    workspace::until(|| !workspace::command_lines().iter().any(|line| line.contains(&address))).await;
}

#[tokio::test]
async fn a_transfer_that_stands_still_is_given_up() {
    let server = GitServer::start().await;
    server.treat("slow", Behaviour::Hang);
    let mut bench = Bench::new("s");
    bench.clone_of(&server.url("slow"));
    bench.plan.limits.low_speed = Duration::from_secs(1);
    bench.plan.limits.attempts = 1;

    let error = bench.hydrate().await.unwrap_err();

    assert!(error.to_string().contains("the server cannot be reached"), "{error}");
    assert_eq!(error.next(), Next::Retry);
}

#[tokio::test]
async fn a_server_error_is_tried_again() {
    let server = GitServer::start().await;
    server.repository("web", &[("a", "1")]);
    server.treat("web", Behaviour::FailOnce(503));
    let mut bench = Bench::new("s");
    bench.clone_of(&server.url("web"));
    bench.plan.limits.pause = Duration::from_millis(10);

    bench.hydrate().await.unwrap();

    let again = |p: &Progress| matches!(p, Progress::Retrying { attempt: 2, .. });
    assert!(bench.progress().iter().any(again), "{:?}", bench.progress());
}

#[tokio::test]
async fn a_host_without_a_server_can_be_tried_later() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut bench = Bench::new("s");
    bench.clone_of(&format!("http://{free}/web.git"));
    bench.plan.limits.pause = Duration::from_millis(10);

    let error = bench.hydrate().await.unwrap_err();

    assert_eq!(error.next(), Next::Retry, "{error}");
}

#[tokio::test]
async fn two_repositories_of_one_name_are_refused_before_anything_is_cloned() {
    let mut bench = Bench::new("s");
    bench.clone_of("https://git.example/a/web.git");
    bench.clone_of("https://git.example/b/web.git");

    let error = bench.hydrate().await.unwrap_err();

    assert!(matches!(error, HydrateError::Invalid(_)));
    assert_eq!(
        error.to_string(),
        "spec.repos[1].name: \"web\" is the name of spec.repos[0] too; give one of them another name"
    );
}

#[tokio::test]
async fn a_hydration_that_is_given_up_leaves_no_process() {
    let server = GitServer::start().await;
    server.treat("slow", Behaviour::Hang);
    let mut bench = Bench::new("s");
    bench.clone_of(&server.url("slow"));
    let address = server.address.to_string();
    let runs = || workspace::command_lines().iter().any(|line| line.contains(&address));

    let both = async {
        tokio::select! {
            done = bench.hydrate() => panic!("{done:?}"),
            () = workspace::until(|| !server.seen().requests.is_empty()) => {}
        }
    };
    both.await;

    workspace::until(|| !runs()).await;
}
