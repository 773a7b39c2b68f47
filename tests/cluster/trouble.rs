//! What the scripts say when something is in their way: never a hang, and a message with what to do.

use std::{ffi::OsString, fs, net::TcpListener, os::unix::fs::PermissionsExt, path::Path, process::Command};

use tempfile::TempDir;

use crate::scripts::{OwnRing, failure, script, tools_are_built, until};

/// Programs that stand before those of the machine.
pub(crate) struct Programs(TempDir);

impl Programs {
    pub(crate) fn new(programs: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (name, body) in programs {
            let path = folder.path().join(name);
            fs::write(&path, format!("#!/bin/sh\n{body}\n")).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        }
        Self(folder)
    }

    pub(crate) fn path(&self) -> OsString {
        let mut path = self.0.path().as_os_str().to_owned();
        path.push(":");
        path.push(std::env::var_os("PATH").unwrap());
        path
    }
}

/// A checkout in which nothing has been built.
pub(crate) fn bare_checkout() -> TempDir {
    let checkout = tempfile::tempdir().unwrap();
    let copied = Command::new("cp").args(["-r", "--parents", "hack/cluster"]).arg(checkout.path()).status().unwrap();
    assert!(copied.success());
    checkout
}

#[test]
fn a_full_disk_is_told_before_anything_starts() {
    if !tools_are_built() {
        return;
    }
    let ring = OwnRing::new("control-plane", "full");
    let programs = Programs::new(&[("df", "echo Avail; echo 12M")]);
    let (code, text) = failure(script("up.sh").args(["control-plane", ring.name()]).env("PATH", programs.path()));
    assert!(code == 3 && text.contains("has 12 MB free; a ring needs 2000 MB"), "{code}: {text}");
    assert_eq!(ring.processes(), Vec::<String>::new());
}

#[test]
fn a_ring_whose_port_somebody_took_gets_other_ports() {
    if !tools_are_built() {
        return;
    }
    let ring = OwnRing::new("control-plane", "port");
    ring.up();
    let before = ports(&ring);
    ring.kill("etcd");
    let mut taken = None;
    // A process that ends gives its memory back before its ports.
    until("the port is free", || {
        taken = TcpListener::bind(("127.0.0.1", etcd_port(&before))).ok();
        taken.is_some()
    });
    ring.up();
    assert_ne!(ports(&ring), before);
    ring.kubectl(&["get", "namespaces"]);
    drop(taken);
}

fn ports(ring: &OwnRing) -> String {
    fs::read_to_string(ring.state().join("ports")).unwrap()
}

fn etcd_port(ports: &str) -> u16 {
    let etcd = ports.split_whitespace().find_map(|port| port.strip_prefix("etcd=")).unwrap();
    etcd.parse().unwrap()
}

#[test]
fn a_kernel_feature_that_is_missing_is_named() {
    if !tools_are_built() {
        return;
    }
    if !rustix::process::getuid().is_root() {
        assert!(std::env::var_os("CI").is_none(), "needs root");
        return eprintln!("skipped: needs root");
    }
    let ring = OwnRing::new("node", "kernel");
    let programs = Programs::new(&[("ip", "echo 'Operation not permitted' >&2; exit 1")]);
    let (code, text) = failure(script("up.sh").args(["node", ring.name()]).env("PATH", programs.path()));
    let named = "has no network namespaces (ip netns add): Operation not permitted";
    assert!(code == 3 && text.contains(named), "{code}: {text}");
}

#[test]
fn tools_that_were_built_by_half_are_built_again() {
    let checkout = bare_checkout();
    let ends_early = build(&checkout, "echo half >\"$out/kubernetes\"; exit 1");
    let (code, text) = ends_early.unwrap_err();
    assert!(code == 3 && text.contains("the build of rings failed"), "{code}: {text}");
    build(&checkout, "echo whole >\"$out/kubernetes\"").unwrap();
    let built = fs::read_to_string(checkout.path().join("target/tools/cluster/kubernetes")).unwrap();
    assert_eq!(built, "whole\n");
    build(&checkout, "exit 1").expect("what is built is not built again");
}

/// Builds the rings' tools with a compiler that does this; `$out` is where it shall write.
fn build(checkout: &TempDir, compile: &str) -> Result<(), (i32, String)> {
    let go = format!(
        "case \"$1 $2\" in\n'env GOVERSION') echo go1.99 ;;\n'env GOPROXY') echo none ;;\nbuild*) out=$4; {compile} ;;\nesac"
    );
    let programs = Programs::new(&[("go", &go), ("df", "echo Avail; echo 99999M")]);
    let script: &Path = &checkout.path().join("hack/cluster/tools.sh");
    let output = Command::new(script).env("PATH", programs.path()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    if output.status.success() { Ok(()) } else { Err((output.status.code().unwrap(), said)) }
}
