//! What a session's pod depends on beside the session: it is waited for, and its arrival is enough.

use ambient::api::session::SessionPhase;
use k8s_openapi::{
    api::core::v1::{ConfigMap, PersistentVolumeClaim, Pod, Secret, Service},
    apimachinery::pkg::apis::meta::v1::Condition,
};
use kube::{
    ResourceExt,
    api::{DeleteParams, Patch, PatchParams, PostParams},
    runtime::wait::await_condition,
};
use serde_json::json;

use crate::{
    cluster,
    rig::SOON,
    world::{self, Pods, World, create_secret, phase},
};

fn ready(session: &ambient::api::AgenticSession) -> Condition {
    let conditions = world::status(session).conditions;
    conditions.into_iter().find(|condition| condition.type_ == "Ready").unwrap_or_else(|| Condition {
        type_: "Ready".into(),
        status: "Unknown".into(),
        reason: "None".into(),
        message: String::new(),
        last_transition_time: k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(
            k8s_openapi::jiff::Timestamp::UNIX_EPOCH,
        ),
        observed_generation: None,
    })
}

#[test]
fn weakness_19_a_session_without_keys_waits_and_the_secret_is_enough_to_wake_it() {
    cluster::control_plane(|cluster| async move {
        let world = World::begin_with(cluster, Pods::Ready, &[]).await;
        world.session("s1", json!({"initialPrompt": "echo hello"})).await;
        let session = world.session_until("s1", |session| ready(session).reason == "RunnerSecretMissing").await;
        assert_eq!(phase(&session), SessionPhase::Creating);
        assert!(ready(&session).message.contains("ambient-runner-secrets"));
        assert_eq!(world::condition(&session, "SecretsReady"), "False");
        assert!(world.cluster.api::<Pod>().get_opt("s1-runner").await.unwrap().is_none());
        create_secret(&world.cluster, "ambient-runner-secrets", "ANTHROPIC_API_KEY").await;
        let session = world.session_until("s1", |session| phase(session) == SessionPhase::Running).await;
        assert_eq!(world::condition(&session, "SecretsReady"), "True");
    });
}

#[test]
fn weakness_16_credentials_for_vertex_are_copied_under_a_name_of_the_sessions_own_and_rotate() {
    cluster::control_plane(|cluster| async move {
        let namespace = cluster.namespace.clone();
        let vertex = ["--use-vertex", "1", "--vertex-region", "r", "--vertex-project", "p"];
        let more = [&vertex[..], &["--vertex-credentials", "/app/vertex/key.json", "--namespace", &namespace]].concat();
        let world = World::begin_with(cluster, Pods::Ready, &more).await;
        world.session("s1", json!({})).await;
        world.session_until("s1", |session| ready(session).reason == "VertexSecretMissing").await;
        create_secret(&world.cluster, "ambient-vertex", "key.json").await;
        world.session_until("s1", |session| phase(session) == SessionPhase::Running).await;
        let original = world.cluster.api::<Secret>().get("ambient-vertex").await.unwrap();
        let copy = world.cluster.api::<Secret>().get("ambient-vertex-s1").await.unwrap();
        assert_eq!((copy.data.clone(), copy.owner_references().len()), (original.data.clone(), 1));
        assert!(original.owner_references().is_empty());
        let patch = json!({"data": null, "stringData": {"other.json": "rotated"}});
        let secrets = world.cluster.api::<Secret>();
        secrets.patch("ambient-vertex", &PatchParams::default(), &Patch::Merge(&patch)).await.unwrap();
        let rotated = |secret: Option<&Secret>| {
            secret.and_then(|secret| secret.data.as_ref()).is_some_and(|data| data.keys().eq(["other.json"]))
        };
        let seen = await_condition(secrets, "ambient-vertex-s1", rotated);
        tokio::time::timeout(SOON, seen).await.expect("the copy follows").unwrap();
    });
}

#[test]
fn a_template_of_the_namespace_is_in_the_pod_and_a_bad_one_is_refused_until_it_is_mended() {
    cluster::control_plane(|cluster| async move {
        let maps = cluster.api::<ConfigMap>();
        let map = json!({
            "metadata": {"name": "ambient-pod-template", "labels": {"ambient-code.io/pod-template": ""}},
            "data": {"pod.yaml": "spec: {hostNetwork: true}"},
        });
        maps.create(&PostParams::default(), &serde_json::from_value(map).unwrap()).await.unwrap();
        let world = World::begin(cluster, Pods::Ready).await;
        world.session("s1", json!({"workspace": {"persistence": "PersistentVolume", "size": "1Gi"}})).await;
        let refused = world.session_until("s1", |session| ready(session).reason == "PodTemplateRefused").await;
        assert_eq!(phase(&refused), SessionPhase::Creating);
        assert!(ready(&refused).message.contains("hostNetwork"), "{:?}", ready(&refused));
        let good = json!({"data": {"pod.yaml": "metadata: {labels: {team: a}}"}});
        maps.patch("ambient-pod-template", &PatchParams::default(), &Patch::Merge(&good)).await.unwrap();
        world.session_until("s1", |session| phase(session) == SessionPhase::Running).await;
        let pod = world.cluster.api::<Pod>().get("s1-runner").await.unwrap();
        assert_eq!(pod.labels().get("team").map(String::as_str), Some("a"));
        let claim = world.cluster.api::<PersistentVolumeClaim>().get("s1-workspace").await.unwrap();
        assert_eq!(claim.owner_references()[0].name, "s1");
    });
}

#[test]
fn weakness_08_a_service_that_is_lost_comes_back() {
    cluster::control_plane(|cluster| async move {
        let world = World::begin(cluster, Pods::Ready).await;
        world.session("s1", json!({})).await;
        world.session_until("s1", |session| phase(session) == SessionPhase::Running).await;
        let services = world.cluster.api::<Service>();
        let before = services.get("session-s1").await.unwrap().uid();
        services.delete("session-s1", &DeleteParams::default()).await.unwrap();
        let again = await_condition(services, "session-s1", |service: Option<&Service>| {
            service.is_some_and(|service| service.uid() != before)
        });
        tokio::time::timeout(SOON, again).await.expect("the Service comes back").unwrap();
    });
}

/// The pod is bound to a node that does not exist: there is no kubelet that would ever end it.
#[test]
fn a_pod_that_does_not_end_because_its_node_is_gone_is_taken_away_and_the_session_goes_on() {
    cluster::control_plane(|cluster| async move {
        create_secret(&cluster, "ambient-runner-secrets", "ANTHROPIC_API_KEY").await;
        let world = World::begin_with(cluster, Pods::Ready, &["--end-deadline", "1"]).await;
        world.session("s1", json!({})).await;
        let pod = world.pod_until("s1-runner", |pod| pod.is_some()).await.unwrap();
        let binding = json!({
            "apiVersion": "v1", "kind": "Binding", "metadata": {"name": "s1-runner"},
            "target": {"apiVersion": "v1", "kind": "Node", "name": "gone"},
        });
        let (pods, params) = (world.cluster.api::<Pod>(), PostParams::default());
        let _: serde_json::Value = pods.create_subresource("binding", "s1-runner", &params, &binding).await.unwrap();
        let delete = DeleteParams { grace_period_seconds: Some(1), ..DeleteParams::default() };
        let left = pods.delete("s1-runner", &delete).await.unwrap().left();
        assert!(left.is_some(), "it waits for its node");
        let another = world.pod_until("s1-runner", |new| new.is_some_and(|new| new.uid() != pod.uid())).await;
        assert!(another.is_some());
    });
}
