//! Clones: what is fetched, from where the working branch starts, and what a second time does.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed expectation fails the test")]

#[path = "support/bare.rs"]
mod bare;
#[path = "support/git_server.rs"]
mod git_server;
#[path = "support/workspace.rs"]
mod workspace;

use ambient::workspace::{Progress, RepoSpec, prompt::workspace_prompt};
use bare::git;
use git_server::{Behaviour, GitServer};
use workspace::Bench;

#[tokio::test]
async fn a_repository_is_cloned_and_stands_on_the_working_branch() {
    let server = GitServer::start().await;
    let bare = server.repository("web", &[("README.md", "hello\n"), ("run.sh", "#!/bin/sh\n")]);
    let mut bench = Bench::new("fix-bug");
    bench.clone_of(&server.url("web"));

    let done = bench.hydrate().await.unwrap();

    let repo = &done.repos[0];
    assert_eq!(repo.path, bench.root().join("repos/web"));
    assert_eq!(done.cwd, repo.path);
    assert_eq!(git(&repo.path, &["branch", "--show-current"]), "ambient/fix-bug");
    assert_eq!(repo.base.as_deref(), Some("main"));
    assert_eq!(repo.base_commit, Some(bare.git(&["rev-parse", "main"])));
    assert_eq!(git(&repo.path, &["status", "--porcelain"]), "", "no file counts as modified");
    assert_eq!(std::fs::read_to_string(repo.path.join("README.md")).unwrap(), "hello\n");
}

#[tokio::test]
async fn the_working_branch_starts_from_the_branch_that_was_asked_for() {
    let server = GitServer::start().await;
    let bare = server.repository("web", &[("a", "1")]);
    let dev = bare.commit("dev", &[("a", "2")]);
    let mut bench = Bench::new("s");
    bench.clone_of(&server.url("web")).branch = Some("dev".into());

    let done = bench.hydrate().await.unwrap();

    let path = &done.repos[0].path;
    assert_eq!(git(path, &["rev-parse", "HEAD"]), dev);
    assert_eq!(git(path, &["branch", "--show-current"]), "ambient/s");
    assert_eq!(git(path, &["rev-parse", "dev"]), dev, "the asked branch exists locally too");
}

#[tokio::test]
async fn a_branch_that_the_remote_lacks_is_made_from_the_default_branch() {
    let server = GitServer::start().await;
    let bare = server.repository("web", &[("a", "1")]);
    let mut bench = Bench::new("s");
    bench.clone_of(&server.url("web")).branch = Some("feature/new".into());

    let done = bench.hydrate().await.unwrap();

    let path = &done.repos[0].path;
    assert_eq!(git(path, &["branch", "--show-current"]), "ambient/s");
    assert_eq!(git(path, &["rev-parse", "feature/new"]), bare.git(&["rev-parse", "main"]));
}

#[tokio::test]
async fn a_tag_can_be_the_start() {
    let server = GitServer::start().await;
    let bare = server.repository("web", &[("a", "1")]);
    let tagged = bare.git(&["rev-parse", "main"]);
    bare.git(&["tag", "-a", "-m", "release", "v1", &tagged]);
    bare.commit("main", &[("a", "2")]);
    let mut bench = Bench::new("s");
    bench.clone_of(&server.url("web")).branch = Some("v1".into());

    let done = bench.hydrate().await.unwrap();

    assert_eq!(git(&done.repos[0].path, &["rev-parse", "HEAD"]), tagged);
    assert_eq!(done.repos[0].base_commit, Some(tagged));
}

#[tokio::test]
async fn a_working_branch_that_was_pushed_before_is_continued() {
    let server = GitServer::start().await;
    let bare = server.repository("web", &[("a", "1")]);
    let pushed = bare.commit("ambient/s", &[("b", "work of last week")]);
    let mut bench = Bench::new("s");
    bench.clone_of(&server.url("web")).branch = Some("main".into());

    let done = bench.hydrate().await.unwrap();

    let path = &done.repos[0].path;
    assert_eq!(git(path, &["rev-parse", "HEAD"]), pushed);
    assert_eq!(git(path, &["rev-parse", "--abbrev-ref", "@{upstream}"]), "origin/ambient/s");
}

#[tokio::test]
async fn an_empty_repository_is_ready_for_its_first_commit() {
    let server = GitServer::start().await;
    server.repository("new", &[]);
    let mut bench = Bench::new("s");
    bench.clone_of(&server.url("new"));

    let done = bench.hydrate().await.unwrap();

    assert_eq!(git(&done.repos[0].path, &["symbolic-ref", "HEAD"]), "refs/heads/ambient/s");
    assert_eq!(done.repos[0].base_commit, None);
}

#[tokio::test]
async fn a_plain_push_of_the_working_branch_works() {
    let server = GitServer::start().await;
    let bare = server.repository("web", &[("a", "1")]);
    let mut bench = Bench::new("s");
    bench.clone_of(&server.url("web"));
    let path = bench.hydrate().await.unwrap().repos.remove(0).path;
    git(&path, &["commit", "--quiet", "--allow-empty", "-m", "work"]);

    git_blocking(&path, &["push", "--quiet"]).await;

    let head = git(&path, &["rev-parse", "HEAD"]);
    assert_eq!(bare.git(&["rev-parse", "ambient/s"]), head);
}

#[tokio::test]
async fn a_second_hydration_changes_nothing_of_a_clone() {
    let server = GitServer::start().await;
    let bare = server.repository("web", &[("a", "1")]);
    let mut bench = Bench::new("s");
    bench.clone_of(&server.url("web"));
    let first = bench.hydrate().await.unwrap();
    let path = &first.repos[0].path;
    std::fs::write(path.join("a"), "changed by the agent").unwrap();
    std::fs::write(path.join("new"), "untracked").unwrap();
    git(path, &["checkout", "--quiet", "-b", "elsewhere"]);
    bare.commit("main", &[("a", "3")]);
    let requests = server.seen().requests.len();

    let second = bench.hydrate().await.unwrap();

    assert_eq!(server.seen().requests.len(), requests, "the server is not even asked");
    assert_eq!(std::fs::read_to_string(path.join("a")).unwrap(), "changed by the agent");
    assert_eq!(git(path, &["branch", "--show-current"]), "elsewhere");
    assert_eq!(second.repos[0].base_commit, first.repos[0].base_commit, "the start is remembered");
    assert!(!second.repos[0].fresh);
    assert!(bench.progress().contains(&Progress::Kept { repo: "web".into() }));
}

#[tokio::test]
async fn what_an_interrupted_clone_left_behind_is_removed() {
    let server = GitServer::start().await;
    server.repository("web", &[("a", "1")]);
    let mut bench = Bench::new("s");
    bench.clone_of(&server.url("web"));
    let left = bench.root().join("repos/.cloning-web-0123");
    std::fs::create_dir_all(left.join("objects")).unwrap();

    bench.hydrate().await.unwrap();

    let names: Vec<_> =
        std::fs::read_dir(bench.root().join("repos")).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(names, ["web"]);
}

#[tokio::test]
async fn several_repositories_are_cloned_and_the_main_one_is_where_the_agent_starts() {
    let server = GitServer::start().await;
    let mut bench = Bench::new("s");
    for name in ["api", "web", "docs"] {
        server.repository(name, &[("name", name)]);
        bench.clone_of(&server.url(name));
    }
    bench.plan.main_repo = Some(ambient::workspace::MainRepo::Name("web".into()));

    let done = bench.hydrate().await.unwrap();

    let root = bench.root();
    assert_eq!(done.cwd, root.join("repos/web"));
    let others = ["repos/api", "repos/docs", "artifacts", "file-uploads"].map(|name| root.join(name));
    assert_eq!(done.add_dirs, others);
    let told = workspace_prompt(&done.prompt_context(Vec::new(), None));
    assert!(told.contains("Working branch: `ambient/s`") && told.contains(&server.url("docs")), "{told}");
}

#[tokio::test]
async fn clones_run_at_the_same_time() {
    let server = GitServer::start().await;
    let mut bench = Bench::new("s");
    for name in ["one", "two"] {
        server.repository(name, &[]);
        server.treat(name, Behaviour::Hang);
        bench.clone_of(&server.url(name));
    }

    // One after the other, the second would be asked for only when the first is given up, after a minute.
    tokio::select! {
        done = bench.hydrate() => panic!("{done:?}"),
        () = workspace::until(|| server.seen().requests.len() == 2) => {}
    }
}

#[tokio::test]
async fn progress_is_told_from_start_to_end() {
    let server = GitServer::start().await;
    server.repository("web", &[("a", "1"), ("b", "2"), ("c", "3")]);
    let mut bench = Bench::new("s");
    bench.clone_of(&server.url("web"));

    bench.hydrate().await.unwrap();

    let told = bench.progress();
    assert_eq!(told.first(), Some(&Progress::Started { repo: "web".into() }));
    let whole = |p: &Progress| matches!(p, Progress::Fraction { percent: 100, .. });
    assert!(told.iter().any(whole), "{told:?}");
    assert!(
        matches!(told.last(), Some(Progress::Finished { base, branch, .. }) if base == "main" && branch == "ambient/s")
    );
}

#[tokio::test]
async fn a_given_name_is_the_directory() {
    let server = GitServer::start().await;
    server.repository("web", &[("a", "1")]);
    let mut bench = Bench::new("s");
    bench.plan.repos.push(RepoSpec { name: Some("front".into()), url: server.url("web"), ..RepoSpec::default() });

    bench.hydrate().await.unwrap();

    assert!(bench.root().join("repos/front/a").exists());
}

async fn git_blocking(path: &std::path::Path, args: &'static [&'static str]) {
    let path = path.to_owned();
    tokio::task::spawn_blocking(move || git(&path, args)).await.unwrap();
}
