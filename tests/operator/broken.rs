//! Objects that somebody has edited by hand, past what the API server checks.

use ambient::api::{AgenticSession, Run, session::SessionPhase};
use kube::{
    Api, ResourceExt,
    api::{DynamicObject, Patch, PatchParams},
    core::ApiResource,
    runtime::wait::await_condition,
};
use serde_json::{Value, json};

use crate::{
    cluster,
    rig::SOON,
    world::{Pods, World, phase, run_phase},
};

/// A number that the schema takes and our type does not.
const TOO_MANY: u64 = 5_000_000_000;

fn untyped(world: &World, resource: &ApiResource) -> Api<DynamicObject> {
    Api::namespaced_with(world.cluster.client.clone(), &world.cluster.namespace, resource)
}

async fn edit(api: &Api<DynamicObject>, name: &str, status: &Value) {
    let patch = json!({ "status": status });
    api.patch_status(name, &PatchParams::default(), &Patch::Merge(&patch)).await.unwrap();
}

async fn stalled(api: &Api<DynamicObject>, name: &str) -> DynamicObject {
    let says = |object: Option<&DynamicObject>| {
        let conditions = object.map(|object| object.data["status"]["conditions"].clone()).unwrap_or_default();
        let stalled = |condition: &Value| {
            condition["type"] == "Stalled" && condition["status"] == "True" && condition["reason"] == "InvalidSpec"
        };
        conditions.as_array().is_some_and(|all| all.iter().any(stalled))
    };
    let seen = await_condition(api.clone(), name, says);
    tokio::time::timeout(SOON, seen).await.expect("its condition says so").unwrap().unwrap()
}

#[test]
fn an_object_that_cannot_be_read_stalls_alone_and_goes_on_when_it_is_mended() {
    cluster::control_plane(|cluster| async move {
        let mut world = World::begin(cluster, Pods::Ready).await;
        let sessions = ApiResource::erase::<AgenticSession>(&());
        let runs = ApiResource::erase::<Run>(&());
        let (sessions, runs) = (untyped(&world, &sessions), untyped(&world, &runs));
        world.session("s1", json!({})).await;
        world.session("s2", json!({})).await;
        world.run("r1", json!({"prompt": "echo hello"})).await;
        world.session_until("s2", |session| phase(session) == SessionPhase::Running).await;
        world.run_until("r1", |run| run_phase(run).is_terminal()).await;
        edit(&sessions, "s2", &json!({"runs": {"total": TOO_MANY}})).await;
        edit(&runs, "r1", &json!({"attempt": TOO_MANY})).await;
        stalled(&sessions, "s2").await;
        stalled(&runs, "r1").await;
        for restarts in 0..2 {
            // The others go on, also with an operator that sees the broken ones for the first time.
            let name = format!("after-{restarts}");
            world.run(&name, json!({"prompt": "echo hello"})).await;
            world.run_until(&name, |run| run_phase(run).is_terminal()).await;
            world.restart_operator();
        }
        world.settle().await;
        let pod = world.pod_until("s2-runner", |pod| pod.is_some()).await.unwrap();
        assert!(pod.metadata.deletion_timestamp.is_none(), "nothing is taken away from it");
        let version = sessions.get("s2").await.unwrap().resource_version();
        world.restart_operator();
        world.settle().await;
        assert_eq!(sessions.get("s2").await.unwrap().resource_version(), version, "it is told once");
        edit(&sessions, "s2", &json!({"runs": null})).await;
        edit(&runs, "r1", &json!({"attempt": 1})).await;
        let mended = |session: &AgenticSession| {
            let conditions = session.status.iter().flat_map(|status| &status.conditions);
            conditions.into_iter().any(|condition| condition.type_ == "Ready" && condition.status == "True")
        };
        world.session_until("s2", mended).await;
    });
}
