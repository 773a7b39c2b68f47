//! What goes wrong in a turn, and how the run says so. Numbers are those of the original's list of bugs.

use crate::rig::{Session, error_code, outcome, text, valid};

#[tokio::test]
async fn bug_01_an_agent_that_cannot_start_ends_the_run_with_its_stderr() {
    let session = Session::new().agent_env("[ -e \"$HOME/fixed\" ] || { echo 'licence file is missing' >&2; exit 1; }");
    let runner = session.start();
    let events = runner.run("r1", "echo hi").await;
    valid(&events);
    assert_eq!(error_code(&events), Some("SetupFailed"));
    let message = outcome(&events)["message"].to_string();
    assert!(message.contains("licence file is missing"), "{message}");
    std::fs::write(session.path("fixed"), "").unwrap();
    assert_eq!(text(&runner.run("r2", "echo mended").await), "mended");
}

#[tokio::test]
async fn bug_01_an_agent_that_does_not_exist_is_named_with_a_remedy() {
    let session = Session::new().env("AMBIENT_AGENT_COMMAND", "no-such-agent-cli");
    let runner = session.start();
    let events = runner.run("r1", "echo hi").await;
    assert_eq!(error_code(&events), Some("SetupFailed"));
    let message = outcome(&events)["message"].to_string();
    assert!(message.contains("no-such-agent-cli"), "{message}");
}

#[tokio::test]
async fn bug_02_a_line_of_four_megabytes_is_one_line() {
    let session = Session::new();
    let runner = session.start();
    let events = runner.run("r1", "line 4194304").await;
    valid(&events);
    assert_eq!(outcome(&events)["reason"], "Completed");
    assert_eq!(text(&runner.run("r2", "echo next").await), "next");
}

#[tokio::test]
async fn bug_13_an_agent_that_dies_in_mid_turn_is_told_apart_and_the_next_turn_works() {
    let session = Session::new();
    let runner = session.start();
    let events = runner.run("r1", "echo one; die").await;
    valid(&events);
    assert_eq!(error_code(&events), Some("AgentCrashed"));
    assert_eq!(text(&runner.run("r2", "echo two").await), "two");
}

#[tokio::test]
async fn bug_23_a_run_has_a_deadline_that_ends_it() {
    let session = Session::new().env("AMBIENT_RUN_TIMEOUT", "1");
    let runner = session.start();
    let events = runner.run("r1", "echo one; hang").await;
    valid(&events);
    assert_eq!(error_code(&events), Some("DeadlineExceeded"));
    assert!(outcome(&events)["message"].as_str().unwrap().contains("within 1 s"));
}

#[tokio::test]
async fn an_error_that_the_agent_reports_is_an_error_of_the_run() {
    let session = Session::new();
    let runner = session.start();
    let events = runner.run("r1", "error something broke").await;
    valid(&events);
    assert!(error_code(&events).is_some(), "{:?}", events.last());
}

#[tokio::test]
async fn lines_that_nobody_knows_are_left_out() {
    let session = Session::new();
    let runner = session.start();
    let events = runner.run("r1", "unknown; garbage; echo fine").await;
    valid(&events);
    assert_eq!(text(&events), "fine");
}
