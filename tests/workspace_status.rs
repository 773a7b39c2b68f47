//! What is told about a clone after an agent has worked in it, and what a hostile one cannot do.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed expectation fails the test")]

#[path = "support/bare.rs"]
mod bare;
#[path = "support/workspace.rs"]
mod workspace;

use std::{
    os::unix::fs::PermissionsExt,
    path::Path,
    time::{Duration, Instant},
};

use ambient::{
    host::local::LocalHost,
    workspace::git::{
        agent_side::{AgentGit, AgentGitError},
        status::{RepoStatus, status},
    },
};
use bare::{Bare, git};
use workspace::Bench;

struct Clone {
    bench: Bench,
    bare: Bare,
    path: std::path::PathBuf,
    base: String,
}

impl Clone {
    async fn of(files: &[(&str, &str)]) -> Self {
        let mut bench = Bench::new("s");
        let bare = Bare::create(&bench.outside().join("web.git"), files);
        bench.clone_of(&bare.url());
        let repo = bench.hydrate().await.unwrap().repos.remove(0);
        Self { bench, bare, path: repo.path, base: repo.base_commit.unwrap() }
    }

    fn write(&self, name: &str, content: &str) {
        std::fs::write(self.path.join(name), content).unwrap();
    }

    fn commit(&self) -> String {
        git(&self.path, &["add", "--all"]);
        git(&self.path, &["commit", "--quiet", "-m", "work"]);
        git(&self.path, &["rev-parse", "HEAD"])
    }

    async fn try_status(&self, deadline: Duration) -> Result<RepoStatus, AgentGitError> {
        let host = LocalHost::new();
        let git = AgentGit::new(&host, std::env::var_os("PATH").unwrap(), deadline);
        status(&git, "web", &self.path, Some(&self.base)).await
    }

    async fn status(&self) -> RepoStatus {
        self.try_status(Duration::from_secs(20)).await.unwrap()
    }
}

#[tokio::test]
async fn a_fresh_clone_has_no_changes_and_nothing_to_push() {
    let clone = Clone::of(&[("a", "1\n")]).await;

    let status = clone.status().await;

    let expected = RepoStatus {
        name: "web".into(),
        branch: Some("ambient/s".into()),
        head: Some(clone.base.clone()),
        ..RepoStatus::default()
    };
    assert_eq!(status, expected);
}

#[tokio::test]
async fn changed_and_new_files_are_counted_before_they_are_committed() {
    let clone = Clone::of(&[("a", "1\n2\n"), ("b", "1\n")]).await;
    clone.write("a", "1\n3\n4\n");
    clone.write("new", "x\n");

    let status = clone.status().await;

    assert_eq!((status.dirty, status.changed_count), (2, 2));
    assert_eq!(status.changed, ["a", "new"]);
    assert_eq!((status.insertions, status.deletions), (2, 1));
    assert_eq!((status.ahead, status.pushed), (0, false));
}

#[tokio::test]
async fn committed_work_still_counts_as_changed_and_is_ahead() {
    let clone = Clone::of(&[("a", "1\n")]).await;
    clone.write("a", "2\n");
    let head = clone.commit();

    let status = clone.status().await;

    assert_eq!(status.head, Some(head));
    assert_eq!((status.dirty, status.changed_count), (0, 1));
    assert_eq!((status.insertions, status.deletions), (1, 1));
    assert_eq!((status.ahead, status.pushed), (1, false));
}

#[tokio::test]
async fn pushed_work_is_reported_as_pushed_with_and_without_upstream() {
    for push in [&["push", "--quiet"][..], &["push", "--quiet", "origin", "HEAD:ambient/s", "--no-set-upstream"][..]] {
        let clone = Clone::of(&[("a", "1\n")]).await;
        clone.write("a", "2\n");
        clone.commit();
        git(&clone.path, push);

        let status = clone.status().await;

        assert_eq!((status.ahead, status.pushed), (0, true), "{push:?}");
        assert_eq!(clone.bare.git(&["rev-parse", "ambient/s"]), status.head.unwrap());
    }
}

#[tokio::test]
async fn what_comes_after_a_push_is_ahead_again() {
    let clone = Clone::of(&[("a", "1\n")]).await;
    clone.write("a", "2\n");
    clone.commit();
    git(&clone.path, &["push", "--quiet"]);
    clone.write("a", "3\n");
    clone.commit();

    let status = clone.status().await;

    assert_eq!((status.ahead, status.pushed), (1, false));
}

#[tokio::test]
async fn a_detached_head_has_no_branch() {
    let clone = Clone::of(&[("a", "1\n")]).await;
    git(&clone.path, &["checkout", "--quiet", "--detach"]);
    clone.write("a", "2\n");
    clone.commit();

    let status = clone.status().await;

    assert_eq!((status.branch, status.ahead), (None, 1));
}

#[tokio::test]
async fn names_that_would_move_a_cursor_are_made_printable() {
    let clone = Clone::of(&[("a", "1\n")]).await;
    clone.write("x\u{1b}[2Jy\nz", "");

    assert_eq!(clone.status().await.changed, ["x\u{fffd}[2Jy\u{fffd}z"]);
}

#[tokio::test]
async fn only_so_many_files_are_named_but_all_are_counted() {
    let clone = Clone::of(&[("a", "1\n")]).await;
    for n in 0..250 {
        clone.write(&format!("f{n:03}"), "");
    }

    let status = clone.status().await;

    assert_eq!((status.changed.len(), status.changed_count), (200, 250));
}

#[tokio::test]
async fn output_without_end_is_cut_off_and_said_so() {
    let clone = Clone::of(&[("a", "1\n")]).await;
    let directory = clone.path.join("d".repeat(200));
    std::fs::create_dir(&directory).unwrap();
    for n in 0..12_000 {
        std::fs::write(directory.join(format!("{n:0>200}")), "").unwrap();
    }

    let status = clone.status().await;

    assert!(status.truncated);
    assert!(status.changed_count > 5_000 && status.changed_count < 12_000, "{}", status.changed_count);
}

#[tokio::test]
async fn hooks_monitors_and_external_diffs_of_the_repository_do_not_run() {
    let clone = Clone::of(&[("a", "1\n")]).await;
    let ran = clone.bench.outside().join("ran");
    let script = trap(&clone, &ran);
    for key in ["core.fsmonitor", "diff.external", "core.pager", "core.sshCommand", "core.editor", "diff.t.textconv"] {
        git(&clone.path, &["config", key, &script]);
    }
    git(&clone.path, &["config", "core.hooksPath", &clone.path.join("hooks").display().to_string()]);
    clone.write(".gitattributes", "* diff=t\n");
    clone.write("a", "2\n");

    let status = clone.status().await;

    assert_eq!(status.changed, [".gitattributes", "a"]);
    assert!(!ran.exists(), "the repository ran a program of its own");
}

#[tokio::test]
async fn a_filter_that_hangs_ends_at_the_deadline_with_its_processes() {
    let clone = Clone::of(&[("a", "1\n")]).await;
    git(&clone.path, &["config", "filter.trap.clean", "sleep 4711.25"]);
    clone.write(".gitattributes", "a filter=trap\n");
    clone.write("a", "2\n");
    let begun = Instant::now();

    let error = clone.try_status(Duration::from_secs(1)).await.unwrap_err();

    assert!(matches!(error, AgentGitError::Deadline { .. }), "{error}");
    assert!(begun.elapsed() < Duration::from_secs(15));
    workspace::until(|| !workspace::command_lines().iter().any(|line| line.contains("4711.25"))).await;
}

#[tokio::test]
async fn a_clone_without_its_git_directory_is_not_taken_for_a_part_of_the_repository_above() {
    let clone = Clone::of(&[("a", "1\n")]).await;
    git(clone.bench.outside(), &["init", "--quiet", "."]);
    std::fs::remove_dir_all(clone.path.join(".git")).unwrap();

    let error = clone.try_status(Duration::from_secs(20)).await.unwrap_err();

    assert!(error.to_string().contains("not a git repository"), "{error}");
}

#[tokio::test]
async fn a_removed_clone_is_told_as_such() {
    let clone = Clone::of(&[("a", "1\n")]).await;
    std::fs::remove_dir_all(&clone.path).unwrap();

    let error = clone.try_status(Duration::from_secs(20)).await.unwrap_err();

    assert!(matches!(&error, AgentGitError::Failed { said, .. } if said.contains("No such file")), "{error}");
}

#[tokio::test]
async fn a_start_that_the_agent_made_disappear_leaves_the_uncommitted_changes() {
    let mut clone = Clone::of(&[("a", "1\n")]).await;
    clone.base = "0123456789012345678901234567890123456789".into();
    clone.write("a", "2\n");

    let status = clone.status().await;

    assert_eq!((status.changed_count, status.insertions), (1, 1));
}

#[tokio::test]
async fn a_lock_of_the_agents_own_git_is_no_obstacle() {
    let clone = Clone::of(&[("a", "1\n")]).await;
    std::fs::write(clone.path.join(".git/index.lock"), "").unwrap();
    clone.write("a", "2\n");

    assert_eq!(clone.status().await.changed, ["a"]);
}

#[tokio::test]
async fn all_repositories_of_a_workspace_are_looked_at_in_their_order() {
    let mut bench = Bench::new("s");
    for name in ["one", "two", "three"] {
        let bare = Bare::create(&bench.outside().join(format!("{name}.git")), &[("a", "1\n")]);
        bench.clone_of(&bare.url());
    }
    let done = bench.hydrate().await.unwrap();
    std::fs::write(done.repos[1].path.join("a"), "2\n").unwrap();
    std::fs::remove_dir_all(&done.repos[2].path).unwrap();
    let host = LocalHost::new();
    let path = std::env::var_os("PATH").unwrap();

    let found = done.status(&AgentGit::new(&host, path, Duration::from_secs(20))).await;

    let counts: Vec<_> =
        found.iter().map(|one| one.as_ref().ok().map(|one| (one.name.as_str(), one.changed_count))).collect();
    assert_eq!(counts, [Some(("one", 0)), Some(("two", 1)), None]);
}

/// A program that leaves a trace when it runs, also as every hook.
fn trap(clone: &Clone, ran: &Path) -> String {
    let hooks = clone.path.join("hooks");
    std::fs::create_dir(&hooks).unwrap();
    let script = format!("#!/bin/sh\ntouch '{}'\n", ran.display());
    for name in ["post-index-change", "fsmonitor-watchman", "trap"] {
        std::fs::write(hooks.join(name), &script).unwrap();
        std::fs::set_permissions(hooks.join(name), std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    std::fs::create_dir_all(clone.path.join(".git/info")).unwrap();
    std::fs::write(clone.path.join(".git/info/exclude"), "hooks\n").unwrap();
    hooks.join("trap").display().to_string()
}
