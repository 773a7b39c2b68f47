//! What is kept in memory of the objects that are watched: only what somebody here reads.

use k8s_openapi::api::{
    core::v1::{ConfigMap, Container, EnvVar, Pod, PodSpec, Secret, Service, ServiceAccount},
    networking::v1::NetworkPolicy,
};
use kube::Resource;

use super::session::drift;
use crate::api::{AgenticSession, ProjectSettings, Run};

/// What `kubectl apply` notes down: the object once more, as a text.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// A kind that is watched.
pub(super) trait Lean: Resource<DynamicType = ()> {
    /// Drops what nobody reads. Whoever begins to read something takes it out of here.
    fn shed(&mut self) {
        shed_notes(self);
    }
}

impl Lean for AgenticSession {}
impl Lean for Run {}
impl Lean for ProjectSettings {}
impl Lean for Secret {}
impl Lean for ConfigMap {}
impl Lean for NetworkPolicy {}
impl Lean for ServiceAccount {}

impl Lean for Service {
    fn shed(&mut self) {
        shed_notes(self);
        self.status = None;
    }
}

impl Lean for Pod {
    /// What a pod is to be is decided once, when it is made. What it is, is in its status, and where it is, in one field; what its
    /// runner was told first, and its port, are read later.
    fn shed(&mut self) {
        shed_notes(self);
        self.spec = self.spec.take().and_then(|spec| kept(&spec));
        self.metadata.annotations = None;
        let Some(status) = &mut self.status else { return };
        let lists = [&mut status.init_container_statuses, &mut status.container_statuses];
        for container in lists.into_iter().flatten().flatten() {
            container.allocated_resources = None;
            container.resources = None;
            container.volume_mounts = None;
            container.container_id = None;
            container.image_id.clear();
        }
    }
}

/// What is read of how a pod was made.
fn kept(spec: &PodSpec) -> Option<PodSpec> {
    let kept = |container: &Container| {
        let is_read = |variable: &&EnvVar| drift::TOLD.contains(&variable.name.as_str());
        let env: Vec<EnvVar> = container.env.iter().flatten().filter(is_read).cloned().collect();
        let kept = Container {
            name: container.name.clone(),
            env: Some(env).filter(|env| !env.is_empty()),
            ports: container.ports.clone(),
            ..Container::default()
        };
        (kept.env.is_some() || kept.ports.is_some()).then_some(kept)
    };
    let containers: Vec<Container> = spec.containers.iter().filter_map(kept).collect();
    let init: Vec<Container> = spec.init_containers.iter().flatten().filter_map(kept).collect();
    let any = !containers.is_empty() || !init.is_empty() || spec.node_name.is_some();
    let init_containers = Some(init).filter(|init| !init.is_empty());
    any.then(|| PodSpec { containers, init_containers, node_name: spec.node_name.clone(), ..PodSpec::default() })
}

/// Who wrote which field would be the larger part of a cache.
fn shed_notes<K: Resource<DynamicType = ()> + ?Sized>(object: &mut K) {
    let metadata = object.meta_mut();
    metadata.managed_fields = None;
    if let Some(annotations) = &mut metadata.annotations {
        annotations.remove(LAST_APPLIED);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kube::ResourceExt;
    use serde_json::json;

    #[test]
    fn a_pod_keeps_its_identity_its_owner_and_its_status() {
        let mut pod: Pod = serde_json::from_value(json!({
            "metadata": {
                "name": "a", "uid": "u", "managedFields": [{"manager": "m"}], "ownerReferences": [
                    {"apiVersion": "v", "kind": "AgenticSession", "name": "s", "uid": "o"},
                ],
            },
            "spec": {"containers": [{"name": "c"}], "nodeName": "n"},
            "status": {
                "podIP": "10.0.0.1",
                "containerStatuses": [{"name": "c", "image": "i", "imageID": "long", "ready": true, "restartCount": 2}],
            },
        }))
        .unwrap();
        pod.shed();
        assert_eq!((pod.name_any(), pod.uid()), ("a".to_owned(), Some("u".to_owned())));
        assert_eq!(pod.owner_references()[0].uid, "o");
        let spec = pod.spec.unwrap();
        assert_eq!((spec.node_name.as_deref(), spec.containers.len()), (Some("n"), 0));
        assert!(pod.metadata.managed_fields.is_none());
        let status = pod.status.unwrap();
        assert_eq!(status.pod_ip.as_deref(), Some("10.0.0.1"));
        assert_eq!(status.container_statuses.unwrap()[0].restart_count, 2);
    }

    #[test]
    fn what_a_runner_was_told_first_and_its_port_stay() {
        let mut pod: Pod = serde_json::from_value(json!({"spec": {
            "containers": [{"name": "r", "image": "i", "ports": [{"containerPort": 9}], "env": [{"name": "A", "value": "b"}]}],
            "initContainers": [{"name": "h", "env": [{"name": "REPOS_JSON", "value": "[]"}, {"name": "A", "value": "b"}]}],
        }}))
        .unwrap();
        pod.shed();
        let spec = pod.spec.unwrap();
        let (runner, hydrate) = (&spec.containers[0], &spec.init_containers.unwrap()[0]);
        assert_eq!(runner.ports.as_ref().unwrap()[0].container_port, 9);
        assert!(runner.env.is_none() && runner.image.is_none());
        assert_eq!(hydrate.env.as_ref().unwrap().len(), 1);
    }

    #[test]
    fn what_people_wrote_stays_and_what_kubectl_noted_goes() {
        let mut secret = Secret::default();
        let notes = [(LAST_APPLIED.to_owned(), "{}".to_owned()), ("mine".to_owned(), "1".to_owned())];
        secret.metadata.annotations = Some(notes.into());
        secret.shed();
        assert_eq!(secret.annotations().keys().collect::<Vec<_>>(), ["mine"]);
    }
}
