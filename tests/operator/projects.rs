//! `ProjectSettings` on a real API server.

use ambient::api::{AgenticSession, ProjectSettings, session::SessionPhase};
use k8s_openapi::api::{
    authorization::v1::SubjectAccessReview,
    core::v1::{LimitRange, Namespace, ServiceAccount},
    rbac::v1::{Role, RoleBinding},
};
use kube::{
    Api, ResourceExt,
    api::{DeleteParams, Patch, PatchParams, PostParams},
    runtime::wait::await_condition,
};
use serde_json::{Value, json};

use crate::{
    cluster::{self, Cluster},
    rig::SOON,
    world::{Pods, World, phase},
};

const NAME: &str = "projectsettings";

async fn apply(cluster: &Cluster, access: Value) {
    let object = json!({
        "apiVersion": "vteam.ambient-code/v1alpha1", "kind": "ProjectSettings", "metadata": {"name": NAME},
        "spec": {"groupAccess": access},
    });
    let params = PatchParams::apply("test").force();
    cluster.api::<ProjectSettings>().patch(NAME, &params, &Patch::Apply(&object)).await.unwrap();
}

async fn settings_until(cluster: &Cluster, wanted: impl Fn(&ProjectSettings) -> bool) -> ProjectSettings {
    let seen = await_condition(cluster.api(), NAME, |seen: Option<&ProjectSettings>| seen.is_some_and(&wanted));
    tokio::time::timeout(SOON, seen).await.expect("the settings get there").unwrap().unwrap()
}

fn bindings(settings: &ProjectSettings) -> Option<i64> {
    let observed = settings.status.as_ref()?.observed_generation;
    settings.status.as_ref()?.group_bindings_created.filter(|_| observed == settings.metadata.generation)
}

/// Whether a member of a group may do something to sessions of the namespace.
async fn may(cluster: &Cluster, group: &str, verb: &str) -> bool {
    let review = json!({
        "metadata": {},
        "spec": {
            "user": "somebody", "groups": [group],
            "resourceAttributes": {
                "namespace": cluster.namespace, "verb": verb, "group": "vteam.ambient-code", "resource": "agenticsessions",
            },
        },
    });
    let review: SubjectAccessReview = serde_json::from_value(review).unwrap();
    let api = Api::<SubjectAccessReview>::all(cluster.client.clone());
    api.create(&PostParams::default(), &review).await.unwrap().status.unwrap().allowed
}

/// Until it is so: an authorizer hears of bindings a moment later.
async fn until_may(cluster: &Cluster, group: &str, verb: &str, wanted: bool) {
    let asks = async {
        while may(cluster, group, verb).await != wanted {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(SOON, asks).await.unwrap_or_else(|_| panic!("{group} may {verb}: {wanted}"));
}

async fn label(cluster: &Cluster) {
    let labels = json!({"metadata": {"labels": {"ambient-code.io/managed": "true"}}});
    let namespaces = Api::<Namespace>::all(cluster.client.clone());
    namespaces.patch(&cluster.namespace, &PatchParams::default(), &Patch::Merge(&labels)).await.unwrap();
}

#[test]
fn weakness_17_groups_get_and_lose_what_the_settings_say() {
    cluster::control_plane(|cluster| async move {
        let manifests = concat!(env!("CARGO_MANIFEST_DIR"), "/manifests/project");
        cluster.ring.kubectl(&["apply", "--server-side", "--force-conflicts", "-k", manifests]).unwrap();
        let world = World::begin(cluster, Pods::Ready).await;
        let cluster = &world.cluster;
        apply(cluster, json!([{"groupName": "writers", "role": "edit"}, {"groupName": "org/readers", "role": "view"}]))
            .await;
        let settings = settings_until(cluster, |settings| bindings(settings) == Some(2)).await;
        let said = settings.status.unwrap();
        assert_eq!((said.limit_range_ready, said.scheduled_session_rbac_ready), (Some(true), Some(true)));
        until_may(cluster, "writers", "create", true).await;
        until_may(cluster, "org/readers", "get", true).await;
        assert!(!may(cluster, "org/readers", "create").await);
        let binding = cluster.api::<RoleBinding>().get("writers-edit").await.unwrap();
        assert_eq!(binding.labels()["ambient-code.io/managed"], "true");
        for name in [
            cluster.api::<ServiceAccount>().get("ambient-session-trigger").await.unwrap().owner_references()[0]
                .name
                .clone(),
            cluster.api::<Role>().get("ambient-session-trigger").await.unwrap().owner_references()[0].name.clone(),
            cluster.api::<LimitRange>().get("ambient-default-limits").await.unwrap().owner_references()[0].name.clone(),
        ] {
            assert_eq!(name, NAME);
        }
        // What somebody takes away comes back, and what the settings ask for no more goes.
        cluster.api::<RoleBinding>().delete("writers-edit", &DeleteParams::default()).await.unwrap();
        until_may(cluster, "writers", "create", true).await;
        apply(cluster, json!([{"groupName": "org/readers", "role": "view"}])).await;
        settings_until(cluster, |settings| bindings(settings) == Some(1)).await;
        until_may(cluster, "writers", "create", false).await;
        assert!(may(cluster, "org/readers", "get").await);
    });
}

#[test]
fn a_binding_of_somebody_else_is_left_alone_and_the_settings_say_so() {
    cluster::control_plane(|cluster| async move {
        let foreign = json!({
            "metadata": {"name": "writers-edit"},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"},
            "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "alice"}],
        });
        let foreign: RoleBinding = serde_json::from_value(foreign).unwrap();
        cluster.api::<RoleBinding>().create(&PostParams::default(), &foreign).await.unwrap();
        let world = World::begin(cluster, Pods::Ready).await;
        apply(&world.cluster, json!([{"groupName": "writers", "role": "edit"}])).await;
        let settings = settings_until(&world.cluster, |settings| bindings(settings) == Some(0)).await;
        let ready = &settings.status.unwrap().conditions[0];
        assert_eq!((ready.type_.as_str(), ready.status.as_str()), ("Ready", "False"));
        assert!(ready.message.contains("writers-edit"), "{}", ready.message);
        let kept = world.cluster.api::<RoleBinding>().get("writers-edit").await.unwrap();
        assert_eq!(kept.role_ref.name, "view");
    });
}

#[test]
fn weakness_20_settled_settings_are_written_no_more_also_by_an_operator_that_starts_again() {
    cluster::control_plane(|cluster| async move {
        let mut world = World::begin(cluster, Pods::Ready).await;
        apply(&world.cluster, json!([{"groupName": "writers", "role": "edit"}])).await;
        settings_until(&world.cluster, |settings| bindings(settings) == Some(1)).await;
        let before = versions(&world.cluster).await;
        for _ in 0..3 {
            world.restart_operator();
            world.settle().await;
        }
        assert_eq!(versions(&world.cluster).await, before);
    });
}

async fn versions(cluster: &Cluster) -> [Option<String>; 5] {
    let trigger = "ambient-session-trigger";
    [
        cluster.api::<ProjectSettings>().get(NAME).await.unwrap().resource_version(),
        cluster.api::<RoleBinding>().get("writers-edit").await.unwrap().resource_version(),
        cluster.api::<RoleBinding>().get(trigger).await.unwrap().resource_version(),
        cluster.api::<Role>().get(trigger).await.unwrap().resource_version(),
        cluster.api::<LimitRange>().get("ambient-default-limits").await.unwrap().resource_version(),
    ]
}

#[test]
fn weakness_19_a_namespace_that_becomes_a_project_late_gets_its_settings_and_wakes_its_sessions() {
    cluster::control_plane(|cluster| async move {
        let mut world = World::begin(cluster, Pods::Ready).await;
        world.restart_operator_with(&["--managed-namespaces-only"]);
        world.session("s1", json!({})).await;
        world.session("s2", json!({"desiredState": "Stopped"})).await;
        // A look at everything would have begun with the sessions.
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
        let session = world.cluster.api::<AgenticSession>().get("s1").await.unwrap();
        assert!(session.status.is_none(), "{:?}", session.status);
        label(&world.cluster).await;
        world.session_until("s1", |session| phase(session) == SessionPhase::Running).await;
        let settings = settings_until(&world.cluster, |settings| bindings(settings) == Some(0)).await;
        assert!(settings.spec.group_access.is_empty());
    });
}

#[test]
fn several_namespaces_are_watched_and_others_are_not() {
    cluster::control_plane(|cluster| async move {
        let mut world = World::begin(cluster, Pods::Ready).await;
        let other = format!("{}-other", world.cluster.namespace);
        world.restart_operator_with(&["--watch-namespaces", &other]);
        world.session("s1", json!({"initialPrompt": "echo hello"})).await;
        world.session_until("s1", |session| phase(session) == SessionPhase::Running).await;
        let run = world.run_until("s1-initial", |run| crate::world::run_phase(run).is_terminal()).await;
        assert_eq!(run.status.unwrap().result.as_deref(), Some("hello"));
    });
}
