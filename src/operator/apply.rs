//! Server-side apply of what the operator owns, only where something would change.

use k8s_openapi::api::core::v1::{ConfigMap, PersistentVolumeClaim, Pod, Secret, Service, ServiceAccount};
use k8s_openapi::api::networking::v1::NetworkPolicy;
use kube::{
    Api, Client, Resource, ResourceExt,
    api::{DeleteParams, Patch, PatchParams, Preconditions},
};
use serde_json::Value;

use super::{error::OperatorError, write};
use crate::api::object::Namespaced;

/// The field manager of everything that the operator writes.
pub(super) const MANAGER: &str = "ambient-operator";

/// A kind that the operator applies.
pub(super) trait Owned: Namespaced {}

impl Owned for ConfigMap {}
impl Owned for NetworkPolicy {}
impl Owned for PersistentVolumeClaim {}
impl Owned for Pod {}
impl Owned for Secret {}
impl Owned for Service {}
impl Owned for ServiceAccount {}

/// How every object is called in errors.
pub(super) fn called<K: Resource<DynamicType = ()>>(namespace: &str, name: &str) -> String {
    format!("{} {namespace}/{name}", K::kind(&()))
}

/// Applies an object unless it is there as it is to be. Returns it when it was written.
pub(super) async fn ensure<K: Owned>(
    client: &Client,
    wanted: &Value,
    seen: Option<&K>,
) -> Result<Option<K>, OperatorError> {
    if seen.is_some_and(|seen| serde_json::to_value(seen).is_ok_and(|seen| holds(&seen, wanted))) {
        return Ok(None);
    }
    let text = |key: &str| wanted["metadata"][key].as_str().unwrap_or_default();
    let (namespace, name) = (text("namespace"), text("name"));
    let api = Api::<K>::namespaced(client.clone(), namespace);
    let params = PatchParams::apply(MANAGER).force();
    let applied = api.patch(name, &params, &Patch::Apply(wanted)).await;
    applied.map(Some).map_err(|error| OperatorError::of(called::<K>(namespace, name), error))
}

/// [`ensure`] for an object whose members stay the same for ever: where it is not there it is created, which costs an API server
/// half of what merging does. What has members that come and go must be applied from the beginning, or they stay.
pub(super) async fn ensure_same<K: Owned>(
    client: &Client,
    wanted: &Value,
    seen: Option<&K>,
) -> Result<Option<K>, OperatorError> {
    if seen.is_none()
        && let Some(created) = write::create(client, wanted).await?
    {
        return Ok(Some(created));
    }
    ensure(client, wanted, seen).await
}

/// Whether everything that is wanted is there. The API server adds members of its own, but none to our lists.
pub(super) fn holds(seen: &Value, wanted: &Value) -> bool {
    match (seen, wanted) {
        (Value::Object(seen), Value::Object(wanted)) => wanted.iter().all(|(key, wanted)| {
            matches!(key.as_str(), "apiVersion" | "kind") || seen.get(key).is_some_and(|seen| holds(seen, wanted))
        }),
        (Value::Array(seen), Value::Array(wanted)) => {
            seen.len() == wanted.len() && seen.iter().zip(wanted).all(|(seen, wanted)| holds(seen, wanted))
        }
        (seen, wanted) => seen == wanted,
    }
}

/// Tells a pod to end. One that is gone or another one by now is left alone. What comes back is not remembered: the watch may
/// have shown the pod's end before.
pub(super) async fn delete_pod(client: &Client, pod: &Pod) -> Result<(), OperatorError> {
    let (namespace, name) = (pod.namespace().unwrap_or_default(), pod.name_any());
    let only = Preconditions { uid: pod.uid(), resource_version: None };
    let params = DeleteParams { preconditions: Some(only), ..DeleteParams::default() };
    match Api::<Pod>::namespaced(client.clone(), &namespace).delete(&name, &params).await {
        Ok(_) => Ok(()),
        Err(kube::Error::Api(status)) if matches!(status.code, 404 | 409) => Ok(()),
        Err(error) => Err(OperatorError::of(called::<Pod>(&namespace, &name), error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn members_that_the_server_adds_are_no_change_and_those_of_ours_are() {
        let seen = json!({"metadata": {"name": "a", "uid": "u"}, "spec": {"ports": [{"port": 1, "protocol": "TCP"}]}});
        let wanted = |port| json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a"}, "spec": {"ports": [{"port": port}]}});
        assert!(holds(&seen, &wanted(1)));
        assert!(!holds(&seen, &wanted(2)));
        assert!(!holds(&seen, &json!({"spec": {"ports": []}})));
        assert!(!holds(&seen, &json!({"metadata": {"labels": {}}})));
    }
}
