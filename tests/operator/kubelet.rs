//! What a kubelet would say about pods.

use futures_util::StreamExt;
use k8s_openapi::api::core::v1::Pod;
use kube::{
    Api, ResourceExt,
    api::{Patch, PatchParams},
    runtime::{WatchStreamExt, watcher},
};
use serde_json::{Value, json};

/// Says of every pod that it is ready, at the test's own address.
pub(crate) async fn serve(api: Api<Pod>) {
    let mut seen = std::pin::pin!(watcher(api.clone(), watcher::Config::default()).default_backoff().applied_objects());
    while let Some(pod) = seen.next().await {
        let Ok(pod) = pod else { continue };
        let conditions = pod.status.iter().flat_map(|status| status.conditions.iter().flatten());
        let is_ready = conditions.into_iter().any(|condition| condition.type_ == "Ready");
        if !is_ready && pod.metadata.deletion_timestamp.is_none() {
            let patch = json!({ "status": ready() });
            // A pod that is gone meanwhile needs no status.
            drop(api.patch_status(&pod.name_any(), &PatchParams::default(), &Patch::Merge(&patch)).await);
        }
    }
}

fn ready() -> Value {
    let now = k8s_openapi::jiff::Timestamp::now().to_string();
    json!({
        "phase": "Running", "podIP": "127.0.0.1", "podIPs": [{"ip": "127.0.0.1"}],
        "conditions": [
            {"type": "PodScheduled", "status": "True", "lastTransitionTime": now},
            {"type": "Ready", "status": "True", "lastTransitionTime": now},
        ],
    })
}
