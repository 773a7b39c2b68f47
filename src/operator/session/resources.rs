//! What containers ask for and may use: defaults, and what somebody sets over them. Pure.

use serde_json::{Value, json};

use crate::api::session::Resources;

/// Sets resources over those of a container. Where only a limit is set, the default request gives way to it: a request is at most
/// the limit.
pub(super) fn over(container: &mut Value, resources: &Resources) {
    for (name, limit) in &resources.limits {
        container["resources"]["limits"][name] = json!(limit.to_string());
        if let Some(requests) = container["resources"]["requests"].as_object_mut() {
            requests.remove(name);
        }
    }
    for (name, request) in &resources.requests {
        container["resources"]["requests"][name] = json!(request.to_string());
    }
}
