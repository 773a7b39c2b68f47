//! Creating and deleting single objects, and writing their status.

use kube::{
    Api, Client, ResourceExt,
    api::{DeleteParams, Patch, PatchParams, PostParams, Preconditions},
};
use serde_json::{Value, json};

use super::{
    apply::{MANAGER, called},
    change::change,
    error::OperatorError,
};
use crate::api::{AgenticSession, AgenticSessionStatus, object::Namespaced};

/// Creates an object. Nothing when one of this name is there.
pub(super) async fn create<K: Namespaced>(client: &Client, object: &Value) -> Result<Option<K>, OperatorError> {
    let text = |key: &str| object["metadata"][key].as_str().unwrap_or_default();
    let (namespace, name) = (text("namespace"), text("name"));
    let object_name = called::<K>(namespace, name);
    let typed = K::deserialize(object)
        .map_err(|error| OperatorError::Refused { object: object_name.clone(), message: error.to_string() })?;
    let params = PostParams { field_manager: Some(MANAGER.to_owned()), ..PostParams::default() };
    match Api::<K>::namespaced(client.clone(), namespace).create(&params, &typed).await {
        Ok(created) => Ok(Some(created)),
        Err(kube::Error::Api(status)) if status.code == 409 => Ok(None),
        Err(error) => Err(OperatorError::of(object_name, error)),
    }
}

/// Writes the status of an object that only the operator writes; it is otherwise as it was seen: whatever was decided rests on this
/// very object, so one that has changed since is a conflict. A whole status costs the API server half of what applying one does, and
/// it may hold nulls (a Run's structured output), which a merge patch cannot write.
pub(super) async fn status<K: Namespaced>(client: &Client, object: &K) -> Result<K, OperatorError> {
    let (namespace, name) = (object.namespace().unwrap_or_default(), object.name_any());
    let params = PostParams { field_manager: Some(MANAGER.to_owned()), ..PostParams::default() };
    let written = Api::<K>::namespaced(client.clone(), &namespace).replace_status(&name, &params, object).await;
    written.map_err(|error| OperatorError::of(called::<K>(&namespace, &name), error))
}

/// Writes what is new in a session's status. The platform's backend writes there too, so what is its own is not touched, not even
/// with the same time in other words, and where nothing is new nothing is written. Whatever was decided rests on this very object: one that has changed since is a conflict.
pub(super) async fn session_status(
    client: &Client,
    seen: &AgenticSession,
    status: &AgenticSessionStatus,
) -> Result<AgenticSession, OperatorError> {
    let (namespace, name) = (seen.namespace().unwrap_or_default(), seen.name_any());
    let object = called::<AgenticSession>(&namespace, &name);
    let value = |status| {
        serde_json::to_value(status)
            .map_err(|error| OperatorError::Refused { object: object.clone(), message: error.to_string() })
    };
    let Some(status) = change(&value(seen.status.as_ref())?, &value(Some(status))?) else {
        return Ok(seen.clone());
    };
    let patch = json!({ "metadata": { "resourceVersion": seen.resource_version() }, "status": status });
    let params = PatchParams { field_manager: Some(MANAGER.to_owned()), ..PatchParams::default() };
    let api = Api::<AgenticSession>::namespaced(client.clone(), &namespace);
    let written = api.patch_status(&name, &params, &Patch::Merge(&patch)).await;
    written.map_err(|error| OperatorError::of(object, error))
}

/// Deletes this very object as it is known. One that has changed since, is gone or another one by now is left alone: whoever
/// changed it has it looked at again.
pub(super) async fn delete<K: Namespaced>(client: &Client, object: &K) -> Result<(), OperatorError> {
    let (namespace, name) = (object.namespace().unwrap_or_default(), object.name_any());
    let only = Preconditions { uid: object.uid(), resource_version: object.resource_version() };
    let params = DeleteParams { preconditions: Some(only), ..DeleteParams::background() };
    match Api::<K>::namespaced(client.clone(), &namespace).delete(&name, &params).await {
        Ok(_) => Ok(()),
        Err(kube::Error::Api(status)) if matches!(status.code, 404 | 409) => Ok(()),
        Err(error) => Err(OperatorError::of(called::<K>(&namespace, &name), error)),
    }
}
