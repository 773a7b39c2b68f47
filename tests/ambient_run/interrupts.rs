//! Ctrl-C, a polite kill, and what comes after.

use std::{
    io::{BufRead, BufReader},
    process::Child,
};

use rustix::process::{Pid, Signal, kill_process};

use crate::rig::{Folder, run, session};

/// Starts a session that has said "one" and hangs; what comes later stays in the pipe.
fn hanging(folder: &Folder) -> Child {
    folder.write("s.yaml", &(session("echo one; hang") + &run("later", "  prompt: echo later\n")));
    let mut child = folder.command(&["run", "s.yaml", "-o", "events"]).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().contains("\"delta\":\"one\"")), "it never said one");
    child
}

fn phase(folder: &Folder, run: &str) -> String {
    folder.run(run)["status"]["phase"].as_str().unwrap_or("none").to_owned()
}

#[test]
fn an_interrupted_run_is_the_last_one_and_the_next_call_goes_on() {
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        let folder = Folder::new();
        let child = hanging(&folder);
        kill_process(Pid::from_child(&child), signal).unwrap();
        let output = child.wait_with_output().unwrap();
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(130), "{signal:?}: {told}");
        assert!(told.contains("interrupting… (again to quit)") && told.contains("not started: 1;"), "{told}");
        assert_eq!((phase(&folder, "s-initial"), phase(&folder, "later")), ("Cancelled".into(), "none".into()));
        let next = folder.ambient(&["run", "s.yaml"]);
        assert_eq!((next.code, phase(&folder, "later")), (Some(0), "Succeeded".into()), "{}", next.err);
        assert!(!next.out.contains("▸ s-initial"), "{}", next.out);
    }
}

#[test]
fn a_second_interrupt_quits_at_once() {
    let folder = Folder::asking("echo one; deaf");
    let mut child =
        folder.command(&["run", "s.yaml", "-o", "events"]).stderr(std::process::Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().contains("\"delta\":\"one\"")), "it never said one");
    let pid = Pid::from_child(&child);
    kill_process(pid, Signal::INT).unwrap();
    let mut told = BufReader::new(child.stderr.take().unwrap()).lines();
    assert!(told.any(|line| line.unwrap().contains("again to quit")));
    kill_process(pid, Signal::INT).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
    // The run was going: the next call ends it by what its log holds.
    assert_eq!(folder.ambient(&["run", "s.yaml"]).code, Some(6));
    assert_eq!(folder.run("s-initial")["status"]["outcome"]["reason"], "RunnerLost");
}
