//! No path leads out of the workspace: whatever it says, whatever links there are, and whatever changes while we look.

use std::{
    os::unix::fs::symlink,
    sync::atomic::{AtomicBool, Ordering},
};

use serde_json::json;

use crate::rig::{Rig, detail, names};

/// Everything that takes a path, with the status it answers.
async fn everywhere(rig: &Rig, path: &str) -> Vec<(&'static str, u16, serde_json::Value)> {
    let encoded: String = path.bytes().map(|byte| format!("%{byte:02x}")).collect();
    let mut answers = Vec::new();
    for route in ["list", "file", "git-status", "git-list-branches"] {
        let (status, answer) = rig.get(&format!("/content/{route}?path={encoded}")).await;
        answers.push((route, status, answer));
    }
    let (status, answer) = rig.write(&json!({ "path": path, "content": "owned" })).await;
    answers.push(("write", status, answer));
    let (status, answer) =
        rig.post("git-configure-remote", &json!({ "path": path, "remoteUrl": "file:///nowhere" })).await;
    answers.push(("git-configure-remote", status, answer));
    let (status, answer) = rig.delete(path).await;
    answers.push(("delete", status, answer));
    answers
}

fn outside_is_untouched(rig: &Rig) {
    assert_eq!(names(&rig.outside()), ["secret"]);
    assert_eq!(std::fs::read_to_string(rig.outside().join("secret")).unwrap(), "secret");
}

#[tokio::test]
async fn bug_06_a_path_that_is_none_is_400_everywhere() {
    let rig = Rig::new();
    let long_path = "a/".repeat(2000);
    let long_name = "n".repeat(256);
    for path in [
        "../outside/secret",
        "a/../../outside/secret",
        "..",
        "/..",
        "a/..",
        "nul\0",
        "\0",
        "line\nbreak",
        &long_path,
        &long_name,
    ] {
        for (route, status, answer) in everywhere(&rig, path).await {
            assert_eq!(status, 400, "{route} {path:?}: {answer}");
            assert!(detail(&answer).starts_with("invalid path"), "{answer}");
        }
    }
    outside_is_untouched(&rig);
    assert_eq!(rig.all_names(), Vec::<String>::new());
}

#[tokio::test]
async fn bug_06_an_absolute_path_means_the_workspace() {
    let rig = Rig::new();
    let secret = rig.outside().join("secret");
    let (status, _) = rig.get(&format!("/content/file?path={}", secret.display())).await;
    assert_eq!(status, 404);
    outside_is_untouched(&rig);
}

#[tokio::test]
async fn bug_06_a_link_that_leads_out_is_refused() {
    let rig = Rig::new();
    rig.put("file", &format!("-> {}", rig.outside().join("secret").display()));
    rig.put("dir", "-> ../outside");
    rig.put("far", "-> ../../../../../../../../etc");
    rig.put("chain", "-> dir");
    rig.put("circle", "-> circle");
    rig.put("new", "-> ../outside/new");
    for path in ["file", "dir/secret", "dir/new", "far/passwd", "chain/secret", "circle/x", "circle", "new"] {
        for (route, status, answer) in everywhere(&rig, path).await {
            // Deleting the link itself is no harm.
            let fine = route == "delete" && matches!(path, "file" | "circle" | "new");
            assert_eq!(status, if fine { 200 } else { 400 }, "{route} {path}: {answer}");
        }
    }
    outside_is_untouched(&rig);
}

#[tokio::test]
async fn a_link_that_stays_inside_is_followed() {
    let rig = Rig::new();
    rig.put("repos/web/AGENTS.md", "text");
    rig.put("repos/web/CLAUDE.md", "-> AGENTS.md");
    rig.put("shortcut", "-> repos/web");
    rig.put("deep/up", "-> ../repos/../shortcut/");
    rig.put("whole", &format!("-> {}", rig.root().canonicalize().unwrap().join("repos").display()));
    for path in ["repos/web/CLAUDE.md", "shortcut/CLAUDE.md", "deep/up/AGENTS.md", "whole/web/CLAUDE.md"] {
        let (status, body) = rig.send("GET", &format!("/content/file?path={path}"), "").await;
        assert_eq!((status.as_u16(), &body[..]), (200, &b"text"[..]), "{path}");
    }
    let (_, listing) = rig.get("/content/list?path=deep/up").await;
    assert_eq!(listing["items"][0]["path"], json!("/deep/up/AGENTS.md"));
    assert_eq!(rig.write(&json!({ "path": "shortcut/CLAUDE.md", "content": "new" })).await.0, 200);
    assert_eq!(rig.text("repos/web/AGENTS.md"), "new");
    assert!(rig.root().join("repos/web/CLAUDE.md").is_symlink());
}

#[tokio::test]
async fn a_pipe_or_a_device_is_refused_without_waiting() {
    let rig = Rig::new();
    let mode = rustix::fs::Mode::from_raw_mode(0o600);
    rustix::fs::mknodat(rustix::fs::CWD, rig.root().join("pipe"), rustix::fs::FileType::Fifo, mode, 0).unwrap();
    let (status, answer) = rig.get("/content/file?path=pipe").await;
    assert!(status == 400 && detail(&answer).contains("pipe"), "{answer}");
    assert_eq!(rig.get("/content/list").await.1["items"][0]["isDir"], json!(false));
}

#[tokio::test]
async fn a_path_too_deep_to_walk_is_refused() {
    let rig = Rig::new();
    let deep = "d/".repeat(200) + "f";
    let (status, answer) = rig.write(&json!({ "path": deep, "content": "x" })).await;
    assert_eq!(status, 400, "{answer}");
}

/// A directory is swapped for a link to the outside and back, and a link turned outwards and back, as fast as it goes, while
/// files behind them are read, written and deleted.
#[tokio::test]
async fn bug_06_a_link_that_is_swapped_in_meanwhile_is_not_followed() {
    let rig = Rig::new();
    rig.put("real/secret", "inside");
    rig.put("turning/secret", "inside");
    rig.put("door", "-> turning");
    let root = rig.root();
    let stop = AtomicBool::new(false);
    let swap = || {
        let (here, away, next) = (root.join("real"), root.join("away"), root.join("next"));
        while !stop.load(Ordering::Relaxed) {
            std::fs::rename(&here, &away).unwrap();
            symlink("../outside", &here).unwrap();
            std::fs::remove_file(&here).unwrap();
            std::fs::rename(&away, &here).unwrap();
            for target in ["../outside", "turning"] {
                symlink(target, &next).unwrap();
                std::fs::rename(&next, root.join("door")).unwrap();
            }
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(swap);
        let requests = scope.spawn(|| {
            tokio::runtime::Runtime::new().unwrap().block_on(async {
                for _ in 0..300 {
                    for path in ["real/secret", "door/secret"] {
                        let (status, body) = rig.send("GET", &format!("/content/file?path={path}"), "").await;
                        assert!(status.as_u16() < 500, "{status} {body:?}");
                        assert!(status != 200 || &body[..] == b"inside", "{status} {body:?}");
                    }
                    rig.write(&json!({ "path": "door/planted", "content": "x" })).await;
                    rig.delete("door/planted").await;
                }
            });
        });
        let ended = requests.join();
        stop.store(true, Ordering::Relaxed);
        ended.unwrap();
    });
    outside_is_untouched(&rig);
}
