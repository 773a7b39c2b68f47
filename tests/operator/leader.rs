//! Several operators of one cluster: one reconciles.

use ambient::api::{run::RunPhase, session::SessionPhase};
use k8s_openapi::api::{
    coordination::v1::Lease,
    rbac::v1::{Role, RoleBinding},
};
use kube::{
    Api, ResourceExt,
    api::{DeleteParams, Patch, PatchParams, PostParams},
    core::ObjectMeta,
};
use serde_json::json;

use crate::{
    cluster::{self, Cluster},
    operator::Operator,
    world::{Pods, World, phase, run_phase},
};

const LEASE: &str = "ambient-code-operator.ambient-code.io";

/// What the operator may do in its own namespace, in the test's, so that tests do not share a lease.
async fn allow_leases(cluster: &Cluster) {
    let client = &cluster.client;
    let metadata = |name: &str| ObjectMeta { name: Some(name.to_owned()), ..ObjectMeta::default() };
    let role = Api::<Role>::namespaced(client.clone(), "ambient-system").get("ambient-operator").await.unwrap();
    let role = Role { metadata: metadata("ambient-operator"), ..role };
    cluster.api::<Role>().create(&PostParams::default(), &role).await.unwrap();
    let bound = Api::<RoleBinding>::namespaced(client.clone(), "ambient-system").get("ambient-operator").await.unwrap();
    let bound = RoleBinding { metadata: metadata("ambient-operator"), ..bound };
    cluster.api::<RoleBinding>().create(&PostParams::default(), &bound).await.unwrap();
}

fn candidate(world: &World) -> Operator {
    world.another_operator(&["--leader-elect", "--namespace", &world.cluster.namespace])
}

fn leads(samples: &std::collections::BTreeMap<String, f64>) -> bool {
    samples["ambient_leader"] > 0.5
}

/// Also weakness 18 of the original: no right to leases, and watches that act on every replica.
#[test]
fn weakness_18_one_of_two_operators_acts_and_the_other_takes_over_when_it_is_killed() {
    cluster::control_plane(|cluster| async move {
        let mut world = World::begin(cluster, Pods::Ready).await;
        world.stop_operator();
        allow_leases(&world.cluster).await;
        let mut first = candidate(&world);
        first.metrics_until(leads).await;
        let mut second = candidate(&world);
        world.session("s1", json!({})).await;
        world.run("r1", json!({"prompt": "echo a; sleep 3000; echo done"})).await;
        world.run_until("r1", |run| run_phase(run) == RunPhase::Running).await;
        let idle = second.metrics().await;
        assert!(!leads(&idle));
        let wrote = |name: &&String| {
            let read = ["list", "watch", "get"].iter().any(|verb| name.contains(&format!("verb=\"{verb}\"")));
            name.starts_with("ambient_api_requests_total") && !read
        };
        assert_eq!(idle.keys().filter(wrote).count(), 0, "{idle:#?}");

        first.kill();
        second.metrics_until(leads).await;
        let run = world.run_until("r1", |run| run_phase(run).is_terminal()).await;
        assert_eq!(run_phase(&run), RunPhase::Succeeded, "{:?}", run.status);
        assert_eq!(world.runner.log_text().matches("\"RUN_STARTED\"").count(), 1);

        // Handed over, not run out.
        let third = candidate(&world);
        assert!(!leads(&third.metrics().await));
        assert!(second.terminate().success());
        third.metrics_until(leads).await;
        let lease = world.cluster.api::<Lease>().get(LEASE).await.unwrap();
        assert!(lease.spec.unwrap().lease_transitions.unwrap() >= 2);
    });
}

#[test]
fn an_operator_that_loses_its_lease_ends_at_once() {
    cluster::control_plane(|cluster| async move {
        let mut world = World::begin(cluster, Pods::Ready).await;
        world.stop_operator();
        allow_leases(&world.cluster).await;
        let mut operator = candidate(&world);
        operator.metrics_until(leads).await;
        world.session("s1", json!({})).await;
        world.session_until("s1", |session| phase(session) == SessionPhase::Running).await;
        let leases = world.cluster.api::<Lease>();
        let thief = json!({"spec": {"holderIdentity": "somebody-else", "renewTime": "2026-01-01T00:00:00.000000Z"}});
        leases.patch(LEASE, &PatchParams::default(), &Patch::Merge(&thief)).await.unwrap();
        assert!(!operator.wait().success());
        // Nobody renews it, so it runs out.
        let next = candidate(&world);
        next.metrics_until(leads).await;
        drop(next);
        // A lease that is deleted is nobody's.
        leases.delete(LEASE, &DeleteParams::default()).await.unwrap();
        let last = candidate(&world);
        last.metrics_until(leads).await;
        assert_eq!(leases.get(LEASE).await.unwrap().name_any(), LEASE);
    });
}
