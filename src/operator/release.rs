//! Taking away a pod whose node cannot.

use k8s_openapi::api::core::v1::{Node, Pod};
use kube::{
    Api, Client, ResourceExt,
    api::{DeleteParams, Preconditions},
};

use super::{apply::called, error::OperatorError, session::leaving::node};

/// Deletes a pod that does not end without waiting for its node, if that node is gone or not ready. Only this very pod.
pub(super) async fn release(client: &Client, pod: &Pod) -> Result<(), OperatorError> {
    if !pod.finalizers().is_empty() || !is_lost(client, pod).await {
        return Ok(());
    }
    let (namespace, name) = (pod.namespace().unwrap_or_default(), pod.name_any());
    let only = Preconditions { uid: pod.uid(), resource_version: None };
    let params = DeleteParams { grace_period_seconds: Some(0), preconditions: Some(only), ..DeleteParams::default() };
    tracing::warn!(%namespace, %name, "the pod of a lost node is taken away by force");
    match Api::<Pod>::namespaced(client.clone(), &namespace).delete(&name, &params).await {
        Ok(_) => Ok(()),
        Err(kube::Error::Api(status)) if matches!(status.code, 404 | 409) => Ok(()),
        Err(error) => Err(OperatorError::of(called::<Pod>(&namespace, &name), error)),
    }
}

/// Whether the pod's node is known to be gone or not ready. A node that nobody can be asked about is not.
async fn is_lost(client: &Client, pod: &Pod) -> bool {
    // A pod that never had a node is ended by the API server itself.
    let Some(name) = node(pod) else { return false };
    match Api::<Node>::all(client.clone()).get_opt(name).await {
        Ok(node) => !node.as_ref().is_some_and(is_ready),
        Err(error) => {
            tracing::warn!(node = name, %error, "nothing is known of a node whose pod does not end");
            false
        }
    }
}

fn is_ready(node: &Node) -> bool {
    let conditions = node.status.iter().flat_map(|status| status.conditions.iter().flatten());
    conditions.into_iter().any(|condition| condition.type_ == "Ready" && condition.status == "True")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_node_is_ready_only_while_it_says_so() {
        let node = |status: &str| {
            let node = json!({"metadata": {}, "status": {"conditions": [{"type": "Ready", "status": status}]}});
            serde_json::from_value::<Node>(node).unwrap()
        };
        assert!(is_ready(&node("True")));
        assert!(!is_ready(&node("False")) && !is_ready(&node("Unknown")) && !is_ready(&Node::default()));
    }
}
