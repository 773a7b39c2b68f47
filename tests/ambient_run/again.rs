//! Running a session again goes on with it.

use std::{
    io::{BufRead, BufReader},
    process::Child,
};

use crate::rig::{Folder, run, session};

#[test]
fn a_run_that_has_ended_is_not_run_again() {
    let folder = Folder::asking("pid; session");
    assert_eq!(folder.ambient(&["run", "s.yaml"]).code, Some(0));
    let first = folder.run("s-initial");
    let again = folder.ambient(&["run", "s.yaml"]);
    assert_eq!(again.code, Some(0));
    assert_eq!(folder.run("s-initial"), first);
    assert!(!again.out.contains("▸"), "{}", again.out);
    assert!(again.out.contains("nothing to run: s-initial Succeeded (Completed)"), "{}", again.out);
}

#[test]
fn a_session_with_nothing_left_to_run_ends_as_its_last_run_did() {
    let folder = Folder::asking("echo one; die");
    for _ in 0..2 {
        assert_eq!(folder.ambient(&["run", "s.yaml"]).code, Some(6));
    }
    assert_eq!(folder.ambient(&["run", "--dir", ".ambient/s", "-m", "echo two"]).code, Some(0));
    assert_eq!(folder.ambient(&["run", "s.yaml"]).code, Some(0));
}

#[test]
fn a_run_finds_its_session_by_name() {
    let folder = Folder::asking("echo hi");
    assert_eq!(folder.ambient(&["run", "s.yaml"]).code, Some(0));
    folder.write("r.yaml", &run("r", "  prompt: echo one\n"));
    let said = folder.ambient(&["run", "r.yaml"]);
    assert_eq!(said.code, Some(0), "{}", said.err);
    assert_eq!(folder.run("r")["status"]["result"], "one");
}

#[test]
fn a_message_goes_on_with_the_same_conversation() {
    let folder = Folder::asking("session");
    assert_eq!(folder.ambient(&["run", "s.yaml"]).code, Some(0));
    let said = folder.ambient(&["run", "--dir", ".ambient/s", "-m", "session"]);
    assert_eq!(said.code, Some(0), "{}", said.err);
    let (first, second) = (folder.run("s-initial"), folder.run("s-2"));
    let id = |run: &serde_json::Value| {
        let told = run["status"]["result"].as_str().unwrap().to_owned();
        told.split_whitespace().next().unwrap().to_owned()
    };
    assert_eq!(id(&first), id(&second));
    assert!(second["status"]["result"].as_str().unwrap().contains("resumed=true"));
    assert_eq!(second["spec"]["prompt"], "session");
}

#[test]
fn runs_go_oldest_first_and_each_is_a_turn() {
    let folder = Folder::new();
    let runs = run("first", "  prompt: echo one\n") + &run("second", "  prompt: echo two\n");
    folder.write("all.yaml", &(session("echo zero") + &runs));
    let said = folder.ambient(&["run", "all.yaml"]);
    assert_eq!(said.code, Some(0), "{}", said.err);
    let places: Vec<_> = ["zero", "one", "two"].iter().map(|text| said.out.find(text)).collect();
    assert!(places.is_sorted() && places[0].is_some(), "{}", said.out);
}

#[test]
fn a_run_is_immutable() {
    let folder = Folder::asking("echo hi");
    folder.write("r.yaml", &run("r", "  prompt: echo one\n"));
    assert_eq!(folder.ambient(&["run", "s.yaml", "r.yaml"]).code, Some(0));
    folder.write("r.yaml", &run("r", "  prompt: echo two\n"));
    let said = folder.ambient(&["run", "s.yaml", "r.yaml"]);
    assert_eq!(said.code, Some(2));
    assert!(said.err.contains("Run r") && said.err.contains("another name"), "{}", said.err);
}

#[test]
fn a_run_that_is_cancelled_before_it_starts_never_starts() {
    let folder = Folder::asking("echo hi");
    folder.write("r.yaml", &run("r", "  prompt: echo never\n  desiredState: Cancelled\n"));
    let said = folder.ambient(&["run", "s.yaml", "r.yaml"]);
    assert_eq!(folder.run("r")["status"]["phase"], "Cancelled");
    assert!(!said.out.contains("never"), "{}", said.out);
}

#[test]
fn after_a_kill_the_run_is_ended_and_the_session_goes_on() {
    let folder = Folder::asking("echo one; hang");
    let mut child = until_it_says(&folder, "one");
    child.kill().unwrap();
    child.wait().unwrap();
    let said = folder.ambient(&["run", "s.yaml"]);
    assert_eq!(said.code, Some(6), "{}{}", said.out, said.err);
    assert_eq!(folder.run("s-initial")["status"]["outcome"]["reason"], "RunnerLost");
    let next = folder.ambient(&["run", "--dir", ".ambient/s", "-m", "echo two"]);
    assert_eq!(next.code, Some(0), "{}", next.err);
}

#[test]
fn two_at_once_on_a_session_are_told_apart() {
    let folder = Folder::asking("echo one; hang");
    let mut child = until_it_says(&folder, "one");
    let second = folder.ambient(&["run", "s.yaml"]);
    assert_eq!(second.code, Some(3));
    assert!(second.err.contains("in use by another process"), "{}", second.err);
    child.kill().unwrap();
    child.wait().unwrap();
}

/// Starts the session and reads on until a line has the text; what comes later stays in the pipe.
fn until_it_says(folder: &Folder, text: &str) -> Child {
    let mut child = folder.command(&["run", "s.yaml", "-o", "events"]).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let found = lines.any(|line| line.unwrap().contains(&format!("\"delta\":\"{text}\"")));
    assert!(found, "it never said {text}");
    child
}
