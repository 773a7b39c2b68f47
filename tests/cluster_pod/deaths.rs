//! Containers of the pod end, kindly or not.

use std::fs;

use futures_util::StreamExt;
use k8s_openapi::api::core::v1::Pod;
use kube::{
    Api,
    api::{DeleteParams, WatchEvent, WatchParams},
};
use rustix::process::{Pid, Signal, kill_process};

use crate::{
    images::with_images,
    pod::{AGENT, POD, RUNNER, SOON, Session, restarts, status},
    stream::Stream,
};

#[test]
fn a_killed_runner_starts_again_in_place_and_ends_its_open_run_once() {
    with_images(|cluster, images| async move {
        let session = Session::start(cluster, &images).await;
        let stream = session.begin_long("cut").await;
        kill(&session.pod().await, RUNNER);
        let seen = stream.rest().await.events;
        let pod = session.until("back", |pod| restarts(pod, RUNNER) == 1 && status(pod, RUNNER).ready).await;
        let last = status(&pod, RUNNER).last_state.as_ref().and_then(|state| state.terminated.as_ref());
        assert_eq!(last.map(|end| end.exit_code), Some(137));
        session.ready().await;
        let whole = Stream::of(session.get("/events/example?after=0").await.unwrap()).one_run().await;
        assert_eq!(whole.reason(), "RunnerLost");
        assert_eq!(whole.events[..seen.len()], seen, "what a reader saw is kept");
        assert_eq!(session.begin("next", "Say something").await.rest().await.reason(), "Completed");
        assert_eq!(restarts(&session.pod().await, AGENT), 0);
    });
}

#[test]
fn a_killed_agent_container_fails_its_run_and_starts_again_beside_the_runner() {
    with_images(|cluster, images| async move {
        let session = Session::start(cluster, &images).await;
        let stream = session.begin_long("cut").await;
        kill(&session.pod().await, AGENT);
        assert_eq!(stream.rest().await.reason(), "AgentCrashed");
        session.until("back", |pod| restarts(pod, AGENT) == 1 && status(pod, AGENT).ready).await;
        session.ready().await;
        assert_eq!(session.begin("next", "Say something").await.rest().await.reason(), "Completed");
        assert_eq!(restarts(&session.pod().await, RUNNER), 0);
    });
}

#[test]
fn a_deleted_pod_ends_its_run_and_every_container_within_the_grace_period() {
    with_images(|cluster, images| async move {
        let session = Session::start(cluster, &images).await;
        let stream = session.begin_long("cut").await;
        let pods: Api<Pod> = session.cluster.api();
        let only = WatchParams::default().fields(&format!("metadata.name={POD}"));
        let version = session.pod().await.metadata.resource_version.unwrap();
        let mut watch = pods.watch(&only, &version).await.unwrap().boxed();
        pods.delete(POD, &DeleteParams::default()).await.unwrap();
        assert_eq!(stream.rest().await.reason(), "SessionStopped");
        let gone = async {
            loop {
                if let WatchEvent::Deleted(pod) = watch.next().await.expect("a watch goes on").unwrap() {
                    return pod;
                }
            }
        };
        let pod = tokio::time::timeout(SOON, gone).await.expect("the pod goes");
        // Who is still there at the end of the period is killed, and has 137.
        for container in [RUNNER, AGENT] {
            let end = status(&pod, container).state.as_ref().and_then(|state| state.terminated.as_ref());
            assert_eq!(end.map(|end| end.exit_code), Some(0), "{container}");
        }
    });
}

/// Kills a container's first process, as a crash would.
pub(crate) fn kill(pod: &Pod, container: &str) {
    let id = status(pod, container).container_id.as_deref().unwrap();
    let id = id.rsplit('/').next().unwrap();
    let first = processes_of(id).into_iter().min().expect("the container has a process");
    kill_process(Pid::from_raw(first).unwrap(), Signal::KILL).unwrap();
}

/// Stops all processes of a container where they are: nothing ends, and nothing is heard of them any more.
pub(crate) fn freeze(pod: &Pod, container: &str) {
    let id = status(pod, container).container_id.as_deref().unwrap();
    for process in processes_of(id.rsplit('/').next().unwrap()) {
        kill_process(Pid::from_raw(process).unwrap(), Signal::STOP).unwrap();
    }
}

/// The processes of a container, as this machine numbers them.
fn processes_of(container: &str) -> Vec<i32> {
    let numbers = fs::read_dir("/proc").unwrap().flatten();
    let numbers = numbers.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    let inside = |pid: &i32| {
        let groups = fs::read_to_string(format!("/proc/{pid}/cgroup")).unwrap_or_default();
        groups.lines().any(|group| group.ends_with(container))
    };
    numbers.filter(inside).collect()
}
