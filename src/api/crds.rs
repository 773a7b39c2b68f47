//! The `CustomResourceDefinition`s, generated from the types.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    CustomResourceDefinition, JSON, JSONSchemaProps, JSONSchemaPropsOrArray, JSONSchemaPropsOrBool,
};
use kube::{CustomResourceExt, Resource};
use serde_json::{Map, Value};

use super::{AgenticSession, ProjectSettings, Run};

/// All `CustomResourceDefinition`s, as they are to be installed.
#[must_use]
pub fn all() -> Vec<CustomResourceDefinition> {
    vec![tidied(AgenticSession::crd()), tidied(Run::crd()), tidied(ProjectSettings::crd())]
}

/// The schema of the only version of a definition.
#[must_use]
pub fn schema(crd: &CustomResourceDefinition) -> Option<&JSONSchemaProps> {
    crd.spec.versions.first()?.schema.as_ref()?.open_api_v3_schema.as_ref()
}

/// The YAML of one definition.
pub fn yaml(crd: &CustomResourceDefinition) -> Result<String, serde_saphyr::ser::Error> {
    serde_saphyr::to_string(crd)
}

fn tidied(mut crd: CustomResourceDefinition) -> CustomResourceDefinition {
    let has_empty_spec = crd.spec.names.kind == AgenticSession::kind(&());
    for version in &mut crd.spec.versions {
        let schema = version.schema.as_mut().and_then(|schema| schema.open_api_v3_schema.as_mut());
        let Some(schema) = schema else { continue };
        tidy(schema);
        if let Some(status) = member(schema, "status") {
            forget_defaults(status);
        }
        if let Some(spec) = member(schema, "spec").filter(|_| has_empty_spec) {
            // The original takes a session without a spec.
            spec.default = Some(JSON(Value::Object(Map::new())));
        }
    }
    crd
}

/// Makes a schema say what we mean, down to its leaves:
///
/// - An optional field is left out, not `null`: without `nullable` the API server drops a `null` before it fills in
///   defaults, and CEL's `has()` is true only for real values.
/// - Number formats that Kubernetes does not know would be warned about at every `kubectl apply`.
/// - `kubectl explain` breaks lines itself.
fn tidy(schema: &mut JSONSchemaProps) {
    schema.nullable = None;
    if schema.format.as_deref().is_some_and(|format| format.starts_with("uint")) {
        schema.format = None;
    }
    if let Some(description) = &mut schema.description {
        *description = description.replace("\n\n", "\u{0}").replace('\n', " ").replace('\0', "\n");
    }
    for child in children(schema) {
        tidy(child);
    }
}

/// Takes the defaults away: a status says what was observed, so the API server must not add to it. The phase keeps its
/// default, as in the original.
fn forget_defaults(status: &mut JSONSchemaProps) {
    for child in children(status) {
        if child.default.as_ref().is_some_and(|default| default.0 != "Pending") {
            child.default = None;
        }
        forget_defaults(child);
    }
}

fn member<'a>(schema: &'a mut JSONSchemaProps, name: &str) -> Option<&'a mut JSONSchemaProps> {
    schema.properties.as_mut()?.get_mut(name)
}

fn children(schema: &mut JSONSchemaProps) -> impl Iterator<Item = &mut JSONSchemaProps> {
    let items = match schema.items.as_mut() {
        Some(JSONSchemaPropsOrArray::Schema(item)) => Some(&mut **item),
        Some(JSONSchemaPropsOrArray::Schemas(_)) | None => None,
    };
    let values = match schema.additional_properties.as_mut() {
        Some(JSONSchemaPropsOrBool::Schema(value)) => Some(&mut **value),
        Some(JSONSchemaPropsOrBool::Bool(_)) | None => None,
    };
    let members = schema.properties.iter_mut().flat_map(|members| members.values_mut());
    members.chain(items).chain(values)
}
