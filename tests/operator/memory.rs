//! The kernel ends the agent's container for its memory: the runner sees that the agent is gone, and only the pod says why.

use ambient::api::{names::adopted_run, outcome::OutcomeReason, run::RunPhase, session::SessionPhase};
use k8s_openapi::api::core::v1::Pod;
use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};

use crate::{
    cluster,
    original::say,
    world::{Pods, World, phase, run_phase},
};

/// What a kubelet says of the agent's container.
async fn agent_is(world: &World, last: &Value) {
    let now = jiff::Timestamp::now().to_string();
    let agent = json!({
        "name": "agent", "image": "agent", "imageID": "", "ready": true, "started": true, "restartCount": 0,
        "state": {"running": {"startedAt": now}}, "lastState": last,
    });
    let patch = json!({"status": {"initContainerStatuses": [agent]}});
    let pods = world.cluster.api::<Pod>();
    pods.patch_status("s1-runner", &PatchParams::default(), &Patch::Merge(&patch)).await.unwrap();
}

#[test]
fn a_run_whose_agent_the_kernel_ended_with_its_container_says_so_and_one_whose_agent_died_does_not() {
    cluster::control_plane(|cluster| async move {
        let world = World::begin(cluster, Pods::Ready).await;
        world.session("s1", json!({"agent": {"resources": {"limits": {"memory": "600Mi"}}}})).await;
        world.session_until("s1", |session| phase(session) == SessionPhase::Running).await;
        agent_is(&world, &json!({})).await;
        say(&world, "eats", "echo one; die").await;
        // The kubelet says it when the Run is over already.
        let end = json!({"terminated": {
            "exitCode": 137, "reason": "OOMKilled", "containerID": "containerd://a",
            "startedAt": jiff::Timestamp::now().to_string(), "finishedAt": jiff::Timestamp::now().to_string(),
        }});
        agent_is(&world, &end).await;
        let run = world.run_until(&adopted_run("s1", "eats"), |run| run_phase(run).is_terminal()).await;
        let status = run.status.unwrap();
        let outcome = status.outcome.unwrap();
        assert_eq!((status.phase, outcome.reason), (RunPhase::Failed, OutcomeReason::OOMKilled), "{outcome:?}");
        assert!(outcome.message.unwrap().ends_with("It is 600Mi."));
        // What is known of that one is no reason of the next.
        tokio::time::sleep(std::time::Duration::from_secs(2)).await;
        say(&world, "dies", "echo one; die").await;
        let run = world.run_until(&adopted_run("s1", "dies"), |run| run_phase(run).is_terminal()).await;
        assert_eq!(run.status.unwrap().outcome.unwrap().reason, OutcomeReason::AgentCrashed);
    });
}
