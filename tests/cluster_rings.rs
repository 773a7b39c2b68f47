//! The scripts of `hack/cluster`: what they start, heal, remove and say.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "cluster/scripts.rs"]
mod scripts;

use std::{fs, os::unix::fs::PermissionsExt, path::Path, process::Command};

use scripts::{OwnRing, failure, script, tools_are_built};

#[test]
fn a_ring_heals_after_any_of_its_components_was_killed() {
    if !tools_are_built() {
        return;
    }
    let ring = OwnRing::new("control-plane", "heals");
    ring.up();
    ring.kubectl(&["create", "namespace", "kept"]);
    let components = ring.components();
    assert_eq!(components, ["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"]);
    for component in components {
        ring.kill(&component);
        ring.up();
        assert!(ring.is_running(&component), "{component}");
        ring.kubectl(&["get", "namespace", "kept"]);
    }
    // The controllers do their work again.
    ring.kubectl(&["wait", "--for=create", "--timeout=60s", "-n", "kept", "serviceaccount/default"]);
}

#[test]
fn a_ring_goes_up_again_after_it_went_down_and_leaves_no_process() {
    if !tools_are_built() {
        return;
    }
    let ring = OwnRing::new("control-plane", "again");
    for _ in 0..2 {
        ring.up();
        ring.kubectl(&["create", "namespace", "gone"]);
        ring.down();
        assert_eq!(ring.processes(), Vec::<String>::new());
        assert!(!ring.state().join("kubeconfig").exists());
        assert!(ring.state().join("logs/kube-apiserver.log").exists(), "logs stay");
    }
    ring.down();
}

#[test]
fn a_ring_ends_with_its_owner() {
    if !tools_are_built() {
        return;
    }
    let ring = OwnRing::new("control-plane", "owned");
    let mut owner = Command::new("sleep").arg("600").spawn().unwrap();
    ring.up_for(owner.id());
    assert!(ring.is_running("kube-apiserver"));
    owner.kill().unwrap();
    owner.wait().unwrap();
    scripts::until("the ring is gone", || ring.processes().is_empty());
}

#[test]
fn wrong_use_is_told() {
    for (name, arguments, code, message) in [
        ("up.sh", vec!["cluster"], 2, "usage: hack/cluster/up.sh control-plane|node"),
        ("up.sh", vec!["control-plane", "A B"], 2, "a ring's name has letters, digits and dashes"),
        ("env.sh", vec!["not-there"], 1, "run `make cluster-up RING=not-there`"),
        ("load.sh", vec!["not-there", "x.tar"], 1, "run `make cluster-up RING=not-there`"),
        ("packages.sh", vec!["cluster"], 2, "usage: hack/cluster/packages.sh"),
    ] {
        let (found, text) = failure(script(name).args(arguments));
        assert!(found == code && text.contains(message), "{name}: {found}: {text}");
    }
}

#[test]
fn a_node_ring_without_root_is_refused_with_the_reason() {
    // For the script, the user is who `id` says.
    let programs = tempfile::tempdir().unwrap();
    let id = programs.path().join("id");
    fs::write(&id, "#!/bin/sh\necho 1000\n").unwrap();
    fs::set_permissions(&id, fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", programs.path().display(), std::env::var("PATH").unwrap());
    let (code, text) = failure(script("up.sh").args(["node", "no-root"]).env("PATH", path));
    assert!(code == 3 && text.contains("a node ring needs root"), "{code}: {text}");
}

#[test]
fn without_go_the_tools_say_what_to_install() {
    // A checkout in which nothing has been built, and a machine that has everything but Go.
    let checkout = tempfile::tempdir().unwrap();
    let copied = Command::new("cp").args(["-r", "--parents", "hack/cluster"]).arg(checkout.path()).status().unwrap();
    assert!(copied.success());
    let programs = checkout.path().join("bin");
    fs::create_dir(&programs).unwrap();
    for program in ["bash", "cat", "cut", "dirname", "find", "flock", "head", "mkdir", "sed", "sha256sum"] {
        let found =
            ["/usr/bin", "/bin"].iter().map(|folder| Path::new(folder).join(program)).find(|path| path.exists());
        std::os::unix::fs::symlink(found.unwrap(), programs.join(program)).unwrap();
    }
    let mut tools = Command::new(programs.join("bash"));
    let (code, text) = failure(tools.arg(checkout.path().join("hack/cluster/tools.sh")).env("PATH", &programs));
    assert!(code == 3 && text.contains("go is missing; install Go 1."), "{code}: {text}");
}
