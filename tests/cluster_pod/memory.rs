//! The agent over its memory limit.

use std::path::Path;

use serde_json::json;

use crate::{
    images::with_images,
    pod::{AGENT, RUNNER, Session, restarts, status},
};

/// Many processes, each smaller than the CLI, so that the kernel kills the CLI first: it takes the largest.
pub(crate) const EAT: &str = r"for i in 1 2 3 4 5 6 7 8 9 10 11 12; do python3 -c 'import time; x = bytes([1]) * (60 << 20); time.sleep(20)' & done; wait";

#[test]
fn an_agent_over_its_memory_limit_ends_its_run_and_the_runner_lives_on() {
    with_images(|cluster, images| async move {
        let session = Session::start_with(cluster, &images, |pod| {
            let resources = json!({ "requests": { "memory": "512Mi" }, "limits": { "memory": "600Mi" } });
            pod["spec"]["initContainers"][0]["resources"] = resources;
        });
        let session = session.await;
        let reason = session.begin("eater", &format!("Run the command `{EAT}`")).await.rest().await.reason();
        // With cgroup v2 the kernel kills the whole container, and the evidence is the pod's.
        let whole_container = Path::new("/sys/fs/cgroup/cgroup.controllers").exists();
        if whole_container {
            assert!(["OOMKilled", "AgentCrashed"].contains(&reason.as_str()), "{reason}");
            let pod = session.until("back", |pod| restarts(pod, AGENT) == 1 && status(pod, AGENT).ready).await;
            let last = status(&pod, AGENT).last_state.as_ref().and_then(|state| state.terminated.as_ref());
            assert_eq!(last.and_then(|end| end.reason.as_deref()), Some("OOMKilled"));
        } else {
            assert_eq!(reason, "OOMKilled");
        }
        assert_eq!(restarts(&session.pod().await, RUNNER), 0);
        let next = session.begin("next", "Say something").await.rest().await;
        assert_eq!(next.reason(), "Completed");
    });
}
