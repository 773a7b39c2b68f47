//! A pod that was told to end, and does not. Pure.

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;

use crate::operator::config::Config;

/// How often the node of such a pod is asked about.
const AGAIN: SignedDuration = SignedDuration::from_secs(30);

/// How long a pod that ends has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Due {
    /// Until then.
    In(Timestamp),
    /// It should be gone. What to say of it, and when to look again.
    Late(String, Timestamp),
}

/// Kubernetes gives a pod its grace period, and until then the deletion's time lies ahead.
pub(super) fn due(pod: Option<&Pod>, config: &Config, now: Timestamp) -> Due {
    let end = pod.and_then(|pod| pod.metadata.deletion_timestamp.as_ref()).map_or(now, |time| time.0);
    let limit = SignedDuration::try_from(config.deadlines.end).unwrap_or(SignedDuration::MAX);
    let deadline = end.checked_add(limit).unwrap_or(Timestamp::MAX);
    if now < deadline {
        return Due::In(deadline);
    }
    Due::Late(pod.map_or_else(String::new, message), now.checked_add(AGAIN).unwrap_or(Timestamp::MAX))
}

fn message(pod: &Pod) -> String {
    let name = pod.name_any();
    let finalizers = pod.finalizers();
    if !finalizers.is_empty() {
        return format!("The pod {name} does not end: it has the finalizers {}.", finalizers.join(", "));
    }
    let node = node(pod).unwrap_or("(none)");
    format!(
        "The pod {name} does not end, and its node {node} does not say why. It is taken away by force once that node is gone or \
         not ready."
    )
}

/// Where the pod is.
pub(in crate::operator) fn node(pod: &Pod) -> Option<&str> {
    pod.spec.as_ref()?.node_name.as_deref()
}
