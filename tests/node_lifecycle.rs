//! A node ring of its own is hurt, healed and removed.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[allow(dead_code, reason = "other tests use the rest")]
#[path = "cluster/scripts.rs"]
mod scripts;

use std::{fs, path::Path, process::Command};

use scripts::{OwnRing, tools_are_built};

const POD: &str = r#"{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": {"containers": [
    {"name": "c", "image": "localhost/ambient-ring/pod:1", "imagePullPolicy": "Never"}
]}}"#;

#[test]
fn a_node_ring_heals_and_leaves_nothing_behind() {
    if !tools_are_built() {
        return;
    }
    if !rustix::process::getuid().is_root() {
        assert!(std::env::var_os("CI").is_none(), "needs root");
        eprintln!("skipped: needs root");
        return;
    }
    let ring = OwnRing::new("node", "hurt");
    ring.up();
    start_pod(&ring);
    for component in ring.components() {
        ring.kill(&component);
    }
    ring.up();
    ring.kubectl(&["wait", "--for=condition=Ready", "--timeout=150s", "node/ring-node", "pod/p"]);
    // And once more without any order: the pod's processes have lost everybody who knew of them.
    for component in ["kubelet", "containerd", "etcd"] {
        ring.kill(component);
    }
    let traces = Traces::of(&ring);
    assert!(!traces.left().is_empty(), "the ring has mounts, cgroups and a network");
    ring.down();
    assert_eq!(traces.left(), Vec::<String>::new());
    assert_eq!(ring.processes(), Vec::<String>::new());
}

fn start_pod(ring: &OwnRing) {
    let file = ring.state().join("pod.json");
    fs::write(&file, POD).unwrap();
    ring.kubectl(&["apply", "-f", file.to_str().unwrap()]);
    ring.kubectl(&["wait", "--for=condition=Ready", "--timeout=150s", "pod/p"]);
}

/// What a ring puts into the machine bears its number.
struct Traces {
    number: String,
}

impl Traces {
    fn of(ring: &OwnRing) -> Self {
        let network = fs::read_to_string(ring.state().join("network")).unwrap();
        Self { number: network.trim().rsplit('-').next().unwrap().to_owned() }
    }

    fn left(&self) -> Vec<String> {
        let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap();
        let mut found: Vec<_> = mounts.lines().filter(|line| line.contains(&self.number)).map(str::to_owned).collect();
        let name = format!("*{}*", self.number);
        let cgroups = Command::new("find").args(["/sys/fs/cgroup", "-type", "d", "-name", &name]).output().unwrap();
        found.extend(String::from_utf8(cgroups.stdout).unwrap().lines().map(str::to_owned));
        let places = ["/run/netns/ambient-", "/run/ambient-ring-", "/var/lib/ambient-ring-"];
        let places = places.map(|place| format!("{place}{}", self.number));
        found.extend(places.into_iter().filter(|place| Path::new(place).exists()));
        found
    }
}
