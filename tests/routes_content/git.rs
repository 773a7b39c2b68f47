//! Repositories in the workspace, with the real git.

use serde_json::json;

use crate::{
    bare::{Bare, git},
    rig::{Rig, detail},
};

fn repository(rig: &Rig) {
    let at = rig.root().join("repo");
    std::fs::create_dir(&at).unwrap();
    git(&at, &["init", "--quiet", "--initial-branch=main"]);
    for name in ["changed", "gone", "same"] {
        rig.put(&format!("repo/{name}"), "one\ntwo\n");
    }
    git(&at, &["add", "."]);
    git(&at, &["commit", "--quiet", "-m", "start"]);
}

#[tokio::test]
async fn a_directory_without_a_repository_is_not_initialised() {
    let rig = Rig::new();
    rig.put("plain/file", "x");
    for path in ["plain", "", "missing", "plain/file"] {
        let answer = rig.get(&format!("/content/git-status?path={path}")).await;
        assert_eq!(answer, (200, json!({ "initialized": false, "hasChanges": false })), "{path}");
    }
}

#[tokio::test]
async fn bug_18_the_status_tells_new_changed_and_deleted_files_apart() {
    let rig = Rig::new();
    repository(&rig);
    let (_, clean) = rig.get("/content/git-status?path=repo").await;
    assert_eq!((&clean["hasChanges"], &clean["uncommittedFiles"]), (&json!(false), &json!(0)));
    rig.put("repo/changed", "one\nthree\nfour\n");
    rig.put("repo/dir/new", "new\n");
    std::fs::remove_file(rig.root().join("repo/gone")).unwrap();
    git(&rig.root().join("repo"), &["remote", "add", "origin", "https://user:token@git.example/o/r.git"]);
    let answer = rig.get("/content/git-status?path=/repo").await;
    let expected = json!({
        "initialized": true, "hasChanges": true, "branch": "main",
        "remoteUrl": "https://git.example/o/r.git", "hasRemote": true,
        "filesAdded": 1, "filesRemoved": 1, "uncommittedFiles": 3, "totalAdded": 2, "totalRemoved": 3,
    });
    assert_eq!(answer, (200, expected));
}

#[tokio::test]
async fn a_repository_without_commits_has_a_status() {
    let rig = Rig::new();
    rig.put("repo/new", "x");
    git(&rig.root().join("repo"), &["init", "--quiet", "--initial-branch=trunk"]);
    let (status, answer) = rig.get("/content/git-status?path=repo").await;
    assert_eq!((status, &answer["branch"], &answer["filesAdded"]), (200, &json!("trunk"), &json!(1)), "{answer}");
    assert_eq!((&answer["remoteUrl"], &answer["hasRemote"]), (&json!(""), &json!(false)));
}

#[tokio::test]
async fn a_broken_repository_is_422_with_the_words_of_git() {
    let rig = Rig::new();
    rig.put("repo/.git", "nonsense");
    for route in ["git-status", "git-list-branches"] {
        let (status, answer) = rig.get(&format!("/content/{route}?path=repo")).await;
        assert_eq!(status, 422, "{answer}");
        assert!(detail(&answer).contains("git"), "{answer}");
    }
}

#[tokio::test]
async fn a_remote_is_configured_its_branches_fetched_and_no_hook_or_filter_of_ours_runs() {
    let rig = Rig::new();
    let bare = Bare::create(&rig.outside().join("bare.git"), &[("file", "x")]);
    bare.commit("feature/x", &[("other", "y")]);
    std::fs::create_dir(rig.root().join("new")).unwrap();
    let body = json!({ "path": "new", "remoteUrl": bare.url() });
    let expected = json!({ "message": "remote configured", "remote": bare.url(), "branch": "main" });
    assert_eq!(rig.post("git-configure-remote", &body).await, (200, expected));
    let branches = rig.get("/content/git-list-branches?path=new").await;
    assert_eq!(branches, (200, json!({ "branches": ["feature/x", "main"] })));
    let at = rig.root().join("new");
    assert_eq!(git(&at, &["symbolic-ref", "HEAD"]), "refs/heads/main");
    // Once more, with another remote: it replaces the first.
    let (status, answer) = rig
        .post("git-configure-remote", &json!({ "path": "new", "remoteUrl": "file:///gone.git", "branch": "b" }))
        .await;
    assert_eq!((status, &answer["branch"]), (200, &json!("b")), "a remote that does not answer is set all the same");
    assert_eq!(git(&at, &["remote", "get-url", "origin"]), "file:///gone.git");
}

#[tokio::test]
async fn bug_18_the_head_of_a_remote_is_not_listed_as_a_branch() {
    let rig = Rig::new();
    let bare = Bare::create(&rig.outside().join("bare.git"), &[("file", "x")]);
    git(&rig.root(), &["clone", "--quiet", &bare.url(), "clone"]);
    assert_eq!(rig.get("/content/git-list-branches?path=clone").await, (200, json!({ "branches": ["main"] })));
}

#[tokio::test]
async fn what_git_must_not_see_is_refused_before() {
    let rig = Rig::new();
    rig.put("plain/file", "x");
    for (url, branch) in [
        ("ext::sh -c id", "main"),
        ("--upload-pack=id", "main"),
        ("https://user:secret@git.example/o/r.git", "main"),
        ("https://secret@git.example/o/r.git", "main"),
        ("https://git.example/o/r.git", "-b"),
        ("https://git.example/o/r.git", "a..b"),
        ("https://git.example/o/r.git", "a b"),
    ] {
        let body = json!({ "path": "plain", "remoteUrl": url, "branch": branch });
        let (status, answer) = rig.post("git-configure-remote", &body).await;
        assert_eq!(status, 400, "{url} {branch}: {answer}");
        assert!(!answer.to_string().contains("secret"), "{answer}");
    }
    assert_eq!(rig.all_names(), ["plain", "file"]);
}

#[tokio::test]
async fn a_directory_that_is_missing_or_no_repository_is_named() {
    let rig = Rig::new();
    rig.put("plain/file", "x");
    let body = json!({ "path": "missing", "remoteUrl": "https://git.example/o/r.git" });
    let (status, answer) = rig.post("git-configure-remote", &body).await;
    assert!(status == 400 && detail(&answer).starts_with("directory not found"), "{answer}");
    let (status, answer) = rig.get("/content/git-list-branches?path=plain").await;
    assert!(status == 400 && detail(&answer).contains("not a git repository"), "{answer}");
    let (status, _) = rig.get("/content/git-list-branches?path=missing").await;
    assert_eq!(status, 404);
}
