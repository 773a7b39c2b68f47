//! The schemas of whole manifests: a resource's own, with what a person may write beside the spec.

use std::sync::LazyLock;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    CustomResourceDefinition, JSONSchemaProps, JSONSchemaPropsOrBool,
};

use crate::api::crds;

/// Metadata that the API server writes; a manifest that was read from a cluster has it, and it means nothing here.
pub(super) const SERVER_METADATA: [&str; 9] = [
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "deletionTimestamp",
    "managedFields",
    "ownerReferences",
    "selfLink",
    "finalizers",
];

/// Generated once: a directory may hold many manifests.
static SCHEMAS: LazyLock<Vec<(String, JSONSchemaProps)>> =
    LazyLock::new(|| crds::all().iter().filter_map(of_crd).collect());

/// The schema of a kind.
pub(super) fn of(kind: &str) -> Option<&'static JSONSchemaProps> {
    SCHEMAS.iter().find(|(name, _)| name == kind).map(|(_, schema)| schema)
}

fn of_crd(crd: &CustomResourceDefinition) -> Option<(String, JSONSchemaProps)> {
    let spec = crds::schema(crd)?.properties.as_ref()?.get("spec")?;
    Some((crd.spec.names.kind.clone(), manifest(spec.clone())))
}

fn manifest(spec: JSONSchemaProps) -> JSONSchemaProps {
    let required = if spec.default.is_some() { vec!["metadata"] } else { vec!["metadata", "spec"] };
    let members = [
        ("apiVersion", string()),
        ("kind", string()),
        ("metadata", metadata()),
        ("spec", spec),
        ("status", JSONSchemaProps::default()),
    ];
    object(members.map(|(name, schema)| (name.to_owned(), schema)), &required)
}

fn metadata() -> JSONSchemaProps {
    let texts = JSONSchemaProps {
        additional_properties: Some(JSONSchemaPropsOrBool::Schema(Box::new(string()))),
        ..object([], &[])
    };
    let server = SERVER_METADATA.map(|name| (name.to_owned(), JSONSchemaProps::default()));
    let ours = [("name", string()), ("namespace", string()), ("labels", texts.clone()), ("annotations", texts)];
    let ours = ours.map(|(name, schema)| (name.to_owned(), schema));
    object(ours.into_iter().chain(server), &["name"])
}

fn object(members: impl IntoIterator<Item = (String, JSONSchemaProps)>, required: &[&str]) -> JSONSchemaProps {
    JSONSchemaProps {
        type_: Some("object".to_owned()),
        properties: Some(members.into_iter().collect()),
        required: Some(required.iter().map(|name| (*name).to_owned()).collect()),
        ..JSONSchemaProps::default()
    }
}

fn string() -> JSONSchemaProps {
    JSONSchemaProps { type_: Some("string".to_owned()), ..JSONSchemaProps::default() }
}
