//! The node ring does what a cluster does: pods, names, Services and volumes.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/cluster/mod.rs"]
mod cluster;

use cluster::Cluster;
use k8s_openapi::api::core::v1::{PersistentVolumeClaim, Pod};
use kube::{
    Api,
    api::{LogParams, PostParams},
    runtime::{conditions::is_pod_running, wait::await_condition},
};
use serde_json::{Value, json};

/// A pod of the ring's own image, as the restricted profile wants it.
async fn start(cluster: &Cluster, arguments: &[&str], volumes: Value) -> Api<Pod> {
    let mounts: Vec<_> = volumes
        .as_array()
        .unwrap()
        .iter()
        .map(|volume| json!({"name": volume["name"], "mountPath": "/data"}))
        .collect();
    let pod = json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"},
        "spec": {
            "restartPolicy": "Never",
            "terminationGracePeriodSeconds": 5,
            "securityContext": {
                "runAsNonRoot": true, "runAsUser": 1001, "fsGroup": 1001, "seccompProfile": {"type": "RuntimeDefault"},
            },
            "containers": [{
                "name": "c", "image": "localhost/ambient-ring/pod:1", "imagePullPolicy": "Never", "args": arguments,
                "volumeMounts": mounts,
                "securityContext": {
                    "allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true, "capabilities": {"drop": ["ALL"]},
                },
            }],
            "volumes": volumes,
        },
    });
    let pods: Api<Pod> = cluster.api();
    pods.create(&PostParams::default(), &serde_json::from_value(pod).unwrap()).await.unwrap();
    pods
}

fn phase(pod: Option<&Pod>) -> &str {
    pod.and_then(|pod| pod.status.as_ref()?.phase.as_deref()).unwrap_or_default()
}

/// What the pod printed, once it has ended well.
async fn printed(pods: &Api<Pod>) -> String {
    let ended = |pod: Option<&Pod>| ["Succeeded", "Failed"].contains(&phase(pod));
    let pod = await_condition(pods.clone(), "p", ended).await.unwrap();
    let text = pods.logs("p", &LogParams::default()).await.unwrap();
    assert_eq!(phase(pod.as_ref()), "Succeeded", "{text}");
    text
}

#[test]
fn a_pod_of_the_restricted_profile_runs() {
    cluster::node(|cluster| async move {
        let pods = start(&cluster, &[], json!([])).await;
        await_condition(pods, "p", is_pod_running()).await.unwrap();
    });
}

#[test]
fn a_pod_that_wants_more_than_the_profile_is_refused() {
    cluster::node(|cluster| async move {
        let root = json!({
            "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"},
            "spec": {"containers": [{"name": "c", "image": "localhost/ambient-ring/pod:1"}]},
        });
        let pods: Api<Pod> = cluster.api();
        let refused = pods.create(&PostParams::default(), &serde_json::from_value(root).unwrap()).await.unwrap_err();
        assert!(refused.to_string().contains(r#"violates PodSecurity "restricted"#), "{refused}");
    });
}

#[test]
fn a_pod_reaches_the_model_by_its_name() {
    cluster::node(|cluster| async move {
        let pods = start(&cluster, &["get", "http://model.ambient-test.svc:8080/v1/models"], json!([])).await;
        let text = printed(&pods).await;
        assert!(text.contains("not_found") || text.contains("data"), "the model's answer: {text}");
    });
}

#[test]
fn the_model_is_reached_from_the_ring_s_network_as_well() {
    cluster::node(|_cluster| async move {
        let answer = reqwest::get("http://10.244.0.1:8080/").await.unwrap();
        assert!(answer.status().as_u16() < 500, "{answer:?}");
    });
}

#[test]
fn a_claim_gets_a_volume_that_the_pod_s_group_can_write() {
    cluster::node(|cluster| async move {
        let claim = json!({
            "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "v"},
            "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Mi"}}},
        });
        let claims: Api<PersistentVolumeClaim> = cluster.api();
        claims.create(&PostParams::default(), &serde_json::from_value(claim).unwrap()).await.unwrap();
        let volumes = json!([{"name": "v", "persistentVolumeClaim": {"claimName": "v"}}]);
        let pods = start(&cluster, &["write", "/data/file", "kept"], volumes).await;
        await_condition(pods, "p", is_pod_running()).await.unwrap();
        let claim = claims.get("v").await.unwrap();
        assert_eq!(claim.status.unwrap().phase.as_deref(), Some("Bound"));
    });
}
