//! What was in a namespace when its test failed.

use ambient::api::{run::Run, session::AgenticSession, settings::ProjectSettings};
use k8s_openapi::api::core::v1::{Event, PersistentVolumeClaim, Pod, Service};
use kube::{
    Api, Resource,
    api::{DynamicObject, ListParams, LogParams},
    core::ApiResource,
};

use super::Cluster;

/// Prints the objects that matter, the events and the logs.
pub(super) async fn print(cluster: &Cluster) {
    eprintln!("--- namespace {} ---", cluster.namespace);
    objects::<AgenticSession>(cluster).await;
    objects::<Run>(cluster).await;
    objects::<ProjectSettings>(cluster).await;
    objects::<Pod>(cluster).await;
    objects::<Service>(cluster).await;
    objects::<PersistentVolumeClaim>(cluster).await;
    events(cluster).await;
    logs(cluster).await;
}

/// As they are, even if they do not fit their type.
async fn objects<K: Resource<DynamicType = ()>>(cluster: &Cluster) {
    let resource = ApiResource::erase::<K>(&());
    let api: Api<DynamicObject> = Api::namespaced_with(cluster.client.clone(), &cluster.namespace, &resource);
    match api.list(&ListParams::default()).await {
        Ok(list) => {
            for mut object in list {
                object.metadata.managed_fields = None;
                eprintln!("--- {} ---\n{}", resource.kind, serde_json::to_string_pretty(&object).unwrap_or_default());
            }
        }
        Err(error) => eprintln!("--- {}: {error} ---", resource.kind),
    }
}

async fn events(cluster: &Cluster) {
    let events: Api<Event> = cluster.api();
    for event in events.list(&ListParams::default()).await.into_iter().flatten() {
        let about = event.involved_object.name.unwrap_or_default();
        let (reason, message) = (event.reason.unwrap_or_default(), event.message.unwrap_or_default());
        eprintln!("event {about}: {reason}: {message}");
    }
}

async fn logs(cluster: &Cluster) {
    let pods: Api<Pod> = cluster.api();
    for pod in pods.list(&ListParams::default()).await.into_iter().flatten() {
        let (name, spec) = (pod.metadata.name.unwrap_or_default(), pod.spec.unwrap_or_default());
        for container in spec.init_containers.iter().flatten().chain(&spec.containers) {
            let container = container.name.clone();
            for previous in [true, false] {
                let parameters = LogParams {
                    container: Some(container.clone()),
                    previous,
                    tail_lines: Some(60),
                    ..LogParams::default()
                };
                if let Ok(log) = pods.logs(&name, &parameters).await {
                    eprintln!("--- log of {name}/{container}, previous: {previous} ---\n{log}");
                }
            }
        }
    }
}
