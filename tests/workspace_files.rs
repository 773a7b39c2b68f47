//! `spec.files[]`, the layout, and what a hostile workspace does to a continued session.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed expectation fails the test")]

#[path = "support/bare.rs"]
mod bare;
#[path = "support/workspace.rs"]
mod workspace;

use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::Path,
};

use ambient::workspace::{Access, FileSpec, HydrateError, Progress};
use bare::{Bare, git};
use workspace::Bench;

fn file(path: &str, content: &str) -> FileSpec {
    FileSpec { path: path.into(), content: content.into() }
}

fn read(bench: &Bench, path: &str) -> String {
    fs::read_to_string(bench.root().join(path)).unwrap()
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

#[tokio::test]
async fn a_session_without_repositories_starts_in_the_workspace() {
    let mut bench = Bench::new("hello");
    bench.plan.files.push(file("src/main.rs", "fn main() {}\n"));

    let done = bench.hydrate().await.unwrap();

    assert_eq!(done.cwd, bench.root());
    assert!(done.add_dirs.is_empty());
    assert_eq!(read(&bench, "src/main.rs"), "fn main() {}\n");
    for name in ["repos", "workflows", "artifacts", "file-uploads"] {
        assert!(bench.root().join(name).is_dir(), "{name}");
    }
}

#[tokio::test]
async fn a_file_may_replace_one_of_a_fresh_clone() {
    let mut bench = Bench::new("s");
    let bare = Bare::create(&bench.outside().join("web.git"), &[("config", "of the repository")]);
    bench.clone_of(&bare.url());
    bench.plan.files.push(file("repos/web/config", "of the manifest"));

    bench.hydrate().await.unwrap();

    assert_eq!(read(&bench, "repos/web/config"), "of the manifest");
}

#[tokio::test]
async fn a_continued_session_keeps_what_the_agent_did_to_its_files() {
    let mut bench = Bench::new("s");
    bench.plan.files = vec![file("kept", "1"), file("removed", "1"), file("changed", "1")];
    bench.hydrate().await.unwrap();
    fs::write(bench.root().join("kept"), "by the agent").unwrap();
    fs::remove_file(bench.root().join("removed")).unwrap();
    bench.plan.files[2].content = "2".into();

    bench.hydrate().await.unwrap();

    assert_eq!(read(&bench, "kept"), "by the agent");
    assert!(!bench.root().join("removed").exists());
    assert_eq!(read(&bench, "changed"), "1");
    let notices: Vec<_> = bench.progress().into_iter().filter(|p| matches!(p, Progress::Notice(_))).collect();
    assert_eq!(
        notices,
        [Progress::Notice(
            "spec.files[2]: changed is in the workspace already and stays as it is; a session's files are written once"
                .into()
        )]
    );
}

#[tokio::test]
async fn a_file_that_is_new_in_the_manifest_is_written_unless_the_agent_has_one() {
    let mut bench = Bench::new("s");
    bench.hydrate().await.unwrap();
    fs::write(bench.root().join("theirs"), "by the agent").unwrap();
    bench.plan.files = vec![file("theirs", "1"), file("new", "1")];

    bench.hydrate().await.unwrap();

    assert_eq!(read(&bench, "theirs"), "by the agent");
    assert_eq!(read(&bench, "new"), "1");
}

#[tokio::test]
async fn a_set_up_that_failed_half_way_is_done_again_in_full() {
    let mut bench = Bench::new("s");
    let missing = bench.outside().join("late.git");
    bench.clone_of(&format!("file://{}", missing.display()));
    bench.plan.files.push(file("a", "1"));
    bench.hydrate().await.unwrap_err();
    Bare::create(&missing, &[("x", "1")]);

    bench.hydrate().await.unwrap();

    assert!(bench.root().join("repos/late/x").exists());
    assert_eq!(read(&bench, "a"), "1");
}

#[tokio::test]
async fn all_mistakes_of_a_manifest_are_told_at_once() {
    let mut bench = Bench::new("s");
    bench.clone_of("web");
    bench.clone_of("https://user:hunter2@git.example/x.git").branch = Some("a..b".into());
    bench.plan.files = vec![file("../x", ""), file("ok", ""), file("./ok", "")];

    let error = bench.hydrate().await.unwrap_err();

    let HydrateError::Invalid(problems) = &error else { panic!("{error}") };
    let fields: Vec<_> = problems.iter().map(|problem| problem.field.as_str()).collect();
    assert_eq!(fields, ["spec.repos[0].url", "spec.repos[1].branch", "spec.files[0].path", "spec.files[2].path"]);
    assert!(!error.to_string().contains("hunter2"));
    assert!(!bench.root().join("ok").exists(), "nothing is done");
}

#[tokio::test]
async fn a_link_in_the_place_of_a_directory_of_the_layout_is_removed() {
    let bench = Bench::new("s");
    bench.hydrate().await.unwrap();
    let outside = bench.outside().join("outside");
    fs::create_dir(&outside).unwrap();
    fs::remove_dir(bench.root().join("repos")).unwrap();
    symlink(&outside, bench.root().join("repos")).unwrap();

    bench.hydrate().await.unwrap();

    assert!(fs::symlink_metadata(bench.root().join("repos")).unwrap().is_dir());
    assert!(outside.exists());
}

#[tokio::test]
async fn a_file_of_the_manifest_does_not_follow_a_link_of_the_repository() {
    let mut bench = Bench::new("s");
    let outside = bench.outside().join("outside");
    fs::create_dir(&outside).unwrap();
    let link = format!("-> {}", outside.display());
    let bare = Bare::create(&bench.outside().join("web.git"), &[("link", &link)]);
    bench.clone_of(&bare.url());
    bench.plan.files.push(file("repos/web/link/x", "1"));

    let error = bench.hydrate().await.unwrap_err();

    assert!(matches!(error, HydrateError::Beneath { .. }), "{error}");
    assert_eq!(fs::read_dir(outside).unwrap().count(), 0);
}

#[tokio::test]
async fn a_repository_with_hostile_content_runs_nothing_while_it_is_cloned() {
    let mut bench = Bench::new("s");
    let ran = bench.outside().join("ran");
    let script = format!("#!/bin/sh\ntouch '{}'\n", ran.display());
    let modules = format!(
        "[submodule \"x\"]\n path = x\n url = ext::sh -c touch% {}\n update = !touch {}\n",
        ran.display(),
        ran.display()
    );
    let bare = Bare::create(
        &bench.outside().join("web.git"),
        &[
            (".gitattributes", "* filter=evil diff=evil\n"),
            (".gitmodules", &modules),
            (".githooks/post-checkout", &script),
            (".gitconfig", "[core]\n fsmonitor = ./evil\n"),
        ],
    );
    bench.clone_of(&bare.url());

    let done = bench.hydrate().await.unwrap();

    assert!(!ran.exists());
    assert_eq!(git(&done.repos[0].path, &["status", "--porcelain"]), "");
    assert!(!done.repos[0].path.join(".git/hooks").exists(), "no hook comes with a clone");
}

#[tokio::test]
async fn a_shared_workspace_opens_its_directories_and_leaves_the_modes_of_clones_alone() {
    let mut bench = Bench::new("s");
    let bare = Bare::create(&bench.outside().join("web.git"), &[("a", "1")]);
    bench.clone_of(&bare.url());
    bench.plan.access = Access::Shared;
    bench.plan.state_dir = Some(bench.outside().join("state"));

    let done = bench.hydrate().await.unwrap();

    for name in ["repos", "artifacts", "file-uploads"] {
        assert_eq!(mode(&bench.root().join(name)), 0o777, "{name}");
    }
    assert_eq!(mode(&bench.outside().join("state")), 0o777);
    assert_eq!(mode(&done.repos[0].path.join("a")) & 0o111, 0);
    assert_eq!(git(&done.repos[0].path, &["status", "--porcelain"]), "");
}

#[tokio::test]
async fn a_record_that_cannot_be_read_stops_the_session_before_it_overwrites_anything() {
    let mut bench = Bench::new("s");
    bench.plan.files.push(file("a", "1"));
    bench.hydrate().await.unwrap();
    fs::write(bench.root().join("a"), "by the agent").unwrap();
    fs::write(bench.plan.data_dir.join("workspace/workspace.json"), "{").unwrap();

    let error = bench.hydrate().await.unwrap_err();

    assert!(matches!(error, HydrateError::State { .. }), "{error}");
    assert_eq!(read(&bench, "a"), "by the agent");
}

#[tokio::test]
async fn a_workspace_that_cannot_be_made_is_named() {
    let mut bench = Bench::new("s");
    bench.plan.root = "/proc/nowhere".into();

    let error = bench.hydrate().await.unwrap_err().to_string();

    assert!(error.starts_with("/proc/nowhere: ") && error.contains("may write to"), "{error}");
}

#[tokio::test]
async fn what_we_remember_cannot_be_in_the_agents_reach() {
    let mut bench = Bench::new("s");
    bench.plan.data_dir = bench.root().join("data");

    let error = bench.hydrate().await.unwrap_err().to_string();

    assert!(error.ends_with("is in the workspace; choose one outside of it"), "{error}");
    assert!(!bench.root().exists());
}
