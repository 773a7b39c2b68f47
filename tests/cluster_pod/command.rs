//! The command of a person who has a kubeconfig and nothing else: it finds the gateway and makes its own tunnel to the
//! operator's pod, which takes a kubelet.

use std::{
    path::Path,
    process::{Output, Stdio},
    time::Duration,
};

use tokio::process::Command;

use crate::cluster::Cluster;

/// For a session that comes up and a turn, on a machine that does much else.
const SOON: Duration = Duration::from_mins(3);

const MANIFESTS: &str = "\
apiVersion: vteam.ambient-code/v1alpha1
kind: AgenticSession
metadata: {name: typed}
spec:
  initialPrompt: Run the command `echo through the tunnel`
  agent: {allowedTools: [Bash]}
  activeDeadlineSeconds: 600
---
apiVersion: vteam.ambient-code/v1alpha1
kind: Run
metadata: {name: typed-next}
spec: {sessionRef: {name: typed}, prompt: Run the command `echo and back`}
";

/// `ambient events` shows a Run that has ended.
pub(crate) async fn shows(cluster: &Cluster, run: &str) {
    let name = format!("{}/{run}", cluster.namespace);
    let out = succeeds(cluster, &["events", "--run", &name]).await;
    assert!(out.contains("✓ Succeeded (Completed)"), "{out}");
}

/// `ambient run --cluster` runs a manifest that the cluster does not know, to its end.
pub(crate) async fn runs(cluster: &Cluster) {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("typed.yaml");
    std::fs::write(&file, MANIFESTS).unwrap();
    let out = succeeds(cluster, &["run", "--cluster", "-n", &cluster.namespace, text(&file)]).await;
    let at = |part: &str| out.find(part).unwrap_or_else(|| panic!("no {part:?} in {out}"));
    assert!(at("▸ typed-initial") < at("It printed: through the tunnel"), "{out}");
    assert!(at("It printed: through the tunnel") < at("▸ typed-next"), "{out}");
    assert!(at("▸ typed-next") < at("It printed: and back"), "{out}");
    assert_eq!(out.matches("✓ Succeeded (Completed)").count(), 2, "{out}");
    assert!(out.contains("    … "), "it says what the session waits for: {out}");
}

/// What a command prints that ends well. It starts in the network of the test's thread.
async fn succeeds(cluster: &Cluster, arguments: &[&str]) -> String {
    let child = Command::new(env!("CARGO_BIN_EXE_ambient"))
        .args(arguments)
        .env_clear()
        .env("KUBECONFIG", &cluster.ring.kubeconfig)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let ended = tokio::time::timeout(SOON, child.wait_with_output()).await;
    let Output { status, stdout, stderr } = ended.unwrap_or_else(|_| panic!("{arguments:?} does not end")).unwrap();
    let (out, err) = (String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    assert!(status.success(), "{arguments:?}: {status}\n{out}{err}");
    out.into_owned()
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}
