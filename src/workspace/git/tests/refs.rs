//! Names of branches, and where a working branch starts.

use proptest::prelude::*;

use crate::workspace::git::{
    branch::{Refs, Start, start},
    refname,
};

proptest! {
    /// Compared with git itself.
    #[test]
    fn branch_names_are_judged_as_git_does(name in "[a./@{~^:?*\\[ lock-]{1,10}") {
        let reference = format!("refs/heads/{name}");
        let git = std::process::Command::new("git").args(["check-ref-format", &reference]).status().unwrap();
        // As arguments, these two would mean something else.
        let special = name.starts_with('-') || name == "@";
        prop_assert_eq!(refname::check(&name).is_ok(), git.success() && !special, "{}", name);
    }
}

#[test]
fn a_working_branch_is_a_valid_branch_for_every_kubernetes_name() {
    for session in ["fix-bug", "a.lock", "a.b"] {
        assert_eq!(refname::check(&refname::working_branch(session)), Ok(()));
    }
}

fn refs(lines: &[&str]) -> Refs {
    Refs::parse(&lines.join("\n"))
}

const HEAD: &str = "refs/remotes/origin/HEAD c0  refs/remotes/origin/main";
const MAIN: &str = "refs/remotes/origin/main c0  ";

fn last_command(start: &Start) -> String {
    start.commands.last().unwrap().join(" ")
}

#[test]
fn a_tag_is_peeled_to_its_commit() {
    let refs = refs(&[HEAD, MAIN, "refs/tags/v1 t1 c1 "]);
    let start = start(&refs, Some("v1"), "ambient/s").unwrap();
    assert_eq!(start.commit.as_deref(), Some("c1"));
}

#[test]
fn a_branch_is_preferred_to_a_tag_of_the_same_name() {
    let refs = refs(&[HEAD, MAIN, "refs/remotes/origin/v1 c2  ", "refs/tags/v1 c1  "]);
    assert_eq!(start(&refs, Some("v1"), "ambient/s").unwrap().commit.as_deref(), Some("c2"));
}

#[test]
fn the_pushed_working_branch_goes_before_the_branch_that_was_asked_for() {
    let refs = refs(&[HEAD, MAIN, "refs/remotes/origin/ambient/s c9  "]);
    let start = start(&refs, Some("main"), "ambient/s").unwrap();
    assert_eq!(last_command(&start), "checkout --progress -b ambient/s --track refs/remotes/origin/ambient/s");
    assert_eq!((start.base.as_str(), start.commit.as_deref()), ("main", Some("c9")));
}

#[test]
fn asking_for_the_working_branch_itself_makes_it_from_the_default_branch() {
    let start = start(&refs(&[HEAD, MAIN]), Some("ambient/s"), "ambient/s").unwrap();
    assert_eq!(start.commands.len(), 1);
    assert_eq!(last_command(&start), "checkout --progress -b ambient/s --no-track refs/remotes/origin/main");
}

#[test]
fn a_remote_whose_default_branch_is_missing_needs_a_branch() {
    let refs = refs(&["refs/remotes/origin/dev c0  "]);
    assert!(start(&refs, None, "ambient/s").is_err());
    assert!(start(&refs, Some("dev"), "ambient/s").is_ok());
}
