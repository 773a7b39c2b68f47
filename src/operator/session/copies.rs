//! The session's own copies of the platform's Secrets. Pure.
//!
//! A copy has a name of its own, so that no Secret of the namespace is ever in its way or overwritten by it.

use kube::ResourceExt;
use serde_json::{Value, json};

use super::{inputs::Copied, objects};
use crate::api::{AgenticSession, names};

/// Where a copy is from; the original's.
const COPIED_FROM: &str = "vteam.ambient-code/copied-from";
/// Which version of it: a key that is taken away changes nothing else of what is compared.
const VERSION: &str = "ambient-code.io/copied-version";

/// The copy as it is to be; nothing where there is nothing to copy.
pub(super) fn copy(session: &AgenticSession, copied: &Copied) -> Option<Value> {
    let original = copied.original.as_deref()?;
    let session_name = session.name_any();
    let from = format!("{}/{}", original.namespace().unwrap_or_default(), original.name_any());
    Some(json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": names::copy(copied.shared.secret(), &session_name),
            "namespace": session.namespace(),
            "labels": { "app": "ambient-code", names::SESSION_LABEL: names::session_label(&session_name) },
            "annotations": { COPIED_FROM: from, VERSION: original.resource_version() },
            "ownerReferences": [objects::owner(session)],
        },
        "type": original.type_.as_deref().unwrap_or("Opaque"),
        "data": original.data,
    }))
}
