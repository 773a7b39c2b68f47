//! The node's kubelet stops for a while.

use std::{fs, process::Command, time::Instant};

use ambient::api::{outcome::OutcomeReason, run::RunPhase};
use k8s_openapi::api::core::v1::Node;
use kube::{Api, runtime::wait::await_condition};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;

use crate::{
    cluster::Cluster,
    deaths::freeze,
    images::{alone, root},
    install::{apply_run, with_install_alone, with_key},
    matrix::{end, long, pod, row},
    pod::{AGENT, RUNNER, SOON, Session, is, restarts},
};

const NODE: &str = "ring-node";

#[test]
fn a_run_outlives_a_kubelet_that_stops_and_comes_back() {
    alone(|cluster, images| async move {
        let session = Session::start(cluster, &images).await;
        let prompt = "Run the command `sleep 45; echo still here`";
        let stream = session.begin("long", prompt).await;
        let kubelet = Stopped::now();
        node(&session.cluster, "not heard of", |status| status == "Unknown").await;
        session.until("not ready", |pod| !is(pod, "Ready")).await;
        let outcome = stream.rest().await.outcome();
        assert_eq!(outcome["reason"], "Completed");
        assert!(outcome["result"].as_str().unwrap().contains("still here"), "{outcome}");
        drop(kubelet);
        node(&session.cluster, "ready", |status| status == "True").await;
        let pod = session.ready().await;
        assert_eq!((restarts(&pod, RUNNER), restarts(&pod, AGENT)), (0, 0), "nothing was started again");
        assert_eq!(session.begin("next", "Say something").await.rest().await.reason(), "Completed");
    });
}

/// Its pod is taken away by force, since nobody on the node does it, and the Run does not wait for the node.
#[test]
fn a_run_on_a_node_that_is_lost_ends_without_the_node_and_the_session_goes_on() {
    with_install_alone(|cluster| async move {
        with_key(&cluster, "key-of-no-value").await;
        long(&cluster, "lost").await;
        let begun = Instant::now();
        // What runs on a node that only cannot be reached goes on, and ends well if it comes to its end first.
        freeze(&pod(&cluster, "lost").await, RUNNER);
        let kubelet = Stopped::now();
        node(&cluster, "not heard of", |status| status == "Unknown").await;
        let given_up = GivenUp::now(&cluster);
        row("node lost", begun, &end(&cluster, "lost-initial").await, OutcomeReason::Evicted, NODE);
        drop((given_up, kubelet));
        node(&cluster, "ready", |status| status == "True").await;
        apply_run(&cluster, "lost-next", json!({ "sessionRef": { "name": "lost" }, "prompt": "Go on" })).await;
        assert_eq!(end(&cluster, "lost-next").await.phase, RunPhase::Succeeded);
    });
}

/// Waits for a state of the node's condition Ready.
async fn node(cluster: &Cluster, what: &str, wanted: impl Fn(&str) -> bool) {
    let ready = |node: &Node| {
        let conditions = node.status.as_ref().and_then(|status| status.conditions.as_ref());
        conditions.into_iter().flatten().any(|found| found.type_ == "Ready" && wanted(&found.status))
    };
    let nodes: Api<Node> = Api::all(cluster.client.clone());
    let seen = await_condition(nodes, NODE, |node: Option<&Node>| node.is_some_and(&ready));
    tokio::time::timeout(SOON, seen).await.unwrap_or_else(|_| panic!("the node is not {what}")).unwrap();
}

/// The taint of a node that cannot be reached, which the node controller gives only where another node is well.
struct GivenUp(Cluster);

impl GivenUp {
    const TAINT: &str = "node.kubernetes.io/unreachable";

    fn now(cluster: &Cluster) -> Self {
        let given_up = Self(cluster.clone());
        given_up.taint(":NoExecute").unwrap();
        given_up
    }

    fn taint(&self, effect: &str) -> Result<String, String> {
        self.0.ring.kubectl(&["taint", "nodes", NODE, "--overwrite", &format!("{}{effect}", Self::TAINT)])
    }
}

impl Drop for GivenUp {
    fn drop(&mut self) {
        // The controller takes it away as well, once the node is back.
        drop(self.taint("-"));
    }
}

/// A kubelet that is dead; dropping this starts another.
pub(crate) struct Stopped;

impl Stopped {
    /// Kills the kubelet.
    pub(crate) fn now() -> Self {
        let file = root().join("target/cluster/node/pids/kubelet");
        let pid: i32 = fs::read_to_string(file).unwrap().trim().parse().unwrap();
        let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap();
        assert!(String::from_utf8_lossy(&line).contains("kubelet"), "{pid} is the kubelet");
        let stopped = Self;
        kill_process(Pid::from_raw(pid).unwrap(), Signal::KILL).unwrap();
        stopped
    }
}

impl Drop for Stopped {
    fn drop(&mut self) {
        let output = Command::new(root().join("hack/cluster/up.sh")).arg("node").output().unwrap();
        // A panic while the test fails would hide why it does.
        if !output.status.success() {
            eprintln!("the kubelet is not back: {}", String::from_utf8_lossy(&output.stderr));
        }
    }
}
