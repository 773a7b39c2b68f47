//! Turns that somebody gave to a runner directly, whatever becomes of the operator meanwhile, and the numbers of a new pod.

use ambient::api::{Run, names::adopted_run, run::RunPhase, session::SessionPhase};
use k8s_openapi::api::core::v1::Pod;
use kube::{
    ResourceExt,
    api::{DeleteParams, ListParams},
};
use serde_json::json;

use crate::{
    cluster,
    original::say,
    world::{Pods, World, phase, run_phase},
};

/// The first number of a pod, as it is told.
fn first_seq(pod: &Pod) -> Option<u64> {
    let containers = &pod.spec.as_ref().unwrap().containers;
    let mut env = containers.iter().flat_map(|container| container.env.iter().flatten());
    env.find(|env| env.name == "AMBIENT_FIRST_SEQ").map(|env| env.value.as_ref().unwrap().parse().unwrap())
}

async fn running(world: &World) {
    world.session("s1", json!({})).await;
    world.session_until("s1", |session| phase(session) == SessionPhase::Running).await;
}

#[test]
fn turns_of_the_time_without_an_operator_are_runs_afterwards_each_once() {
    cluster::control_plane(|cluster| async move {
        let mut world = World::begin(cluster, Pods::Ready).await;
        running(&world).await;
        assert_eq!(say(&world, "before", "echo before").await, "before");
        let before = world.run_until(&adopted_run("s1", "before"), |run| run_phase(run).is_terminal()).await;
        assert_eq!(before.status.unwrap().result.as_deref(), Some("before"));
        world.stop_operator();
        for turn in ["away-1", "away-2", "away-3"] {
            assert_eq!(say(&world, turn, &format!("echo {turn}")).await, turn);
        }
        world.restart_operator();
        for turn in ["away-1", "away-2", "away-3"] {
            let run = world.run_until(&adopted_run("s1", turn), |run| run_phase(run).is_terminal()).await;
            let status = run.status.unwrap();
            assert_eq!((status.phase, status.result.as_deref()), (RunPhase::Succeeded, Some(turn)));
            assert!(status.events.is_some_and(|events| events.count > 0), "{turn}");
        }
        // A Run that somebody deletes does not come back with the next operator: what is kept is not news.
        let runs = world.cluster.api::<Run>();
        runs.delete(&adopted_run("s1", "away-1"), &DeleteParams::default()).await.unwrap();
        world.restart_operator();
        assert_eq!(say(&world, "after", "echo after").await, "after");
        world.run_until(&adopted_run("s1", "after"), |run| run_phase(run).is_terminal()).await;
        let names: Vec<String> =
            runs.list(&ListParams::default()).await.unwrap().iter().map(ResourceExt::name_any).collect();
        assert_eq!(names.len(), 4, "{names:?}");
        assert!(!names.contains(&adopted_run("s1", "away-1")), "{names:?}");
    });
}

#[test]
fn a_new_pod_counts_on_beyond_what_readers_of_the_old_one_may_have_seen() {
    cluster::control_plane(|cluster| async move {
        let world = World::begin(cluster, Pods::Ready).await;
        running(&world).await;
        let old = world.pod_until("s1-runner", |pod| pod.is_some()).await.unwrap();
        assert_eq!(first_seq(&old), None);
        assert_eq!(say(&world, "one", "echo one").await, "one");
        let run = world.run_until(&adopted_run("s1", "one"), |run| run_phase(run).is_terminal()).await;
        let last = run.status.unwrap().events.unwrap().last_id;
        world.delete_pod("s1-runner").await;
        let is_new = |pod: Option<&Pod>| pod.is_some_and(|pod| pod.uid() != old.uid());
        let new = world.pod_until("s1-runner", is_new).await.unwrap();
        assert!(first_seq(&new).unwrap() > last + 1000, "{:?} after {last}", first_seq(&new));
    });
}
