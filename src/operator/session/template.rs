//! A namespace's or a session's own additions to the pod. Pure.
//!
//! What a template may say is a list of what can never loosen the pod's walls: where it runs, what it may use, plain variables,
//! and volumes without Secrets or host paths. Everything else is refused with its name.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::ConfigMap;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    env,
    evidence::{AGENT, HYDRATE, RUNNER},
    inputs::{PORT_LABEL, TEMPLATE_KEY},
    resources,
};
use crate::api::{AgenticSession, names, session::Resources};

/// The addition to a pod.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct PodTemplate {
    #[serde(rename = "apiVersion")]
    _api_version: Option<String>,
    #[serde(rename = "kind")]
    _kind: Option<String>,
    metadata: Metadata,
    spec: Spec,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Metadata {
    labels: BTreeMap<String, String>,
    annotations: BTreeMap<String, String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
struct Spec {
    node_selector: BTreeMap<String, String>,
    tolerations: Vec<Value>,
    affinity: Option<Value>,
    topology_spread_constraints: Option<Value>,
    priority_class_name: Option<String>,
    runtime_class_name: Option<String>,
    scheduler_name: Option<String>,
    image_pull_secrets: Option<Value>,
    init_containers: Vec<Container>,
    containers: Vec<Container>,
    volumes: Vec<Volume>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
struct Container {
    name: String,
    resources: Resources,
    env: Vec<Variable>,
    volume_mounts: Vec<Mount>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Variable {
    name: String,
    value: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Mount {
    name: String,
    #[serde(rename = "mountPath")]
    place: String,
    #[serde(default)]
    sub_path: Option<String>,
    #[serde(default)]
    read_only: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
struct Volume {
    name: String,
    empty_dir: Option<Value>,
    config_map: Option<Value>,
    persistent_volume_claim: Option<Claim>,
    ephemeral: Option<Value>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Claim {
    claim_name: String,
    #[serde(default)]
    read_only: bool,
}

/// Why a template is refused; for people.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(super) enum TemplateError {
    #[error("it has no key {TEMPLATE_KEY}")]
    Empty,
    #[error("{0}")]
    Form(String),
    #[error("{0} cannot be set: {1}")]
    Refused(String, &'static str),
}

/// Reads a template and checks that it says only what it may.
pub(super) fn parse(map: &ConfigMap) -> Result<PodTemplate, TemplateError> {
    let text = map.data.as_ref().and_then(|data| data.get(TEMPLATE_KEY)).ok_or(TemplateError::Empty)?;
    let template: PodTemplate =
        serde_saphyr::from_str(text).map_err(|error| TemplateError::Form(first_line(&error.to_string())))?;
    check(&template)?;
    Ok(template)
}

/// The rest of such a message is an excerpt of the text.
fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().trim().to_owned()
}

fn refused(what: impl Into<String>, why: &'static str) -> Result<(), TemplateError> {
    Err(TemplateError::Refused(what.into(), why))
}

fn check(template: &PodTemplate) -> Result<(), TemplateError> {
    let Metadata { labels, annotations } = &template.metadata;
    for label in [names::SESSION_LABEL, names::APP_LABEL, PORT_LABEL] {
        if labels.contains_key(label) {
            return refused(format!("metadata.labels.{label}"), "the operator finds the pod by it");
        }
    }
    let loosens = |name: &&String| name.contains("apparmor") || name.contains("seccomp");
    if let Some(name) = annotations.keys().find(loosens) {
        return refused(format!("metadata.annotations.{name}"), "the pod's confinement is not up to a template");
    }
    for volume in &template.spec.volumes {
        check_volume(volume)?;
    }
    let Spec { containers, init_containers, .. } = &template.spec;
    let all = containers.iter().map(|container| (container, [RUNNER].as_slice()));
    let all = all.chain(init_containers.iter().map(|container| (container, [HYDRATE, AGENT].as_slice())));
    for (container, known) in all {
        if !known.contains(&container.name.as_str()) {
            return refused(format!("container {:?}", container.name), "the pod has no such container");
        }
        check_container(container)?;
    }
    Ok(())
}

fn check_volume(volume: &Volume) -> Result<(), TemplateError> {
    let kinds = [
        volume.empty_dir.is_some(),
        volume.config_map.is_some(),
        volume.ephemeral.is_some(),
        volume.persistent_volume_claim.is_some(),
    ];
    if !volume.name.starts_with("x-") {
        return refused(format!("volume {:?}", volume.name), "names of a template's volumes begin with x-");
    }
    if kinds.into_iter().filter(|is| *is).count() != 1 {
        return refused(format!("volume {:?}", volume.name), "it needs exactly one source");
    }
    if volume.persistent_volume_claim.as_ref().is_some_and(|claim| claim.claim_name.ends_with("-workspace")) {
        return refused(format!("volume {:?}", volume.name), "the claim is that of a session");
    }
    Ok(())
}

fn check_container(container: &Container) -> Result<(), TemplateError> {
    for variable in &container.env {
        if env::is_ours(&variable.name) || variable.name.starts_with("LD_") {
            return refused(
                format!("variable {}", variable.name),
                "the pod would not be what the operator takes it for",
            );
        }
    }
    for mount in &container.volume_mounts {
        let place = mount.place.as_str();
        let home = container.name == AGENT && place.starts_with("/home/ambient/");
        let clean = !place.split('/').any(|part| part == "..");
        if !clean || !(home || place.starts_with("/mnt/")) {
            return refused(
                format!("mountPath {place}"),
                "mounts go below /mnt, in the agent's container also below /home/ambient",
            );
        }
        if !mount.name.starts_with("x-") {
            return refused(format!("mount of {:?}", mount.name), "only the template's own volumes are mounted");
        }
    }
    Ok(())
}

/// Whether session and template agree where neither may undo the other's wall.
pub(super) fn conflict(template: &PodTemplate, session: &AgenticSession) -> Option<TemplateError> {
    let own = session.spec.runner.as_ref()?.runtime_class_name.as_ref()?;
    let theirs = template.spec.runtime_class_name.as_ref().filter(|theirs| *theirs != own)?;
    Some(TemplateError::Form(format!(
        "it sets the RuntimeClass {theirs} and the session's spec.runner sets {own}: leave one of them out"
    )))
}

/// The pod with what the template adds.
pub(super) fn merge(pod: &mut Value, template: PodTemplate) {
    let PodTemplate { metadata, spec, .. } = template;
    extend(&mut pod["metadata"], "labels", metadata.labels);
    extend(&mut pod["metadata"], "annotations", metadata.annotations);
    let into = &mut pod["spec"];
    extend(into, "nodeSelector", spec.node_selector);
    push(into, "tolerations", spec.tolerations);
    let single = [
        ("affinity", spec.affinity),
        ("topologySpreadConstraints", spec.topology_spread_constraints),
        ("imagePullSecrets", spec.image_pull_secrets),
        ("priorityClassName", spec.priority_class_name.map(Value::from)),
        ("runtimeClassName", spec.runtime_class_name.map(Value::from)),
        ("schedulerName", spec.scheduler_name.map(Value::from)),
    ];
    for (name, value) in single.into_iter().filter_map(|(name, value)| Some((name, value?))) {
        into[name] = value;
    }
    push(into, "volumes", spec.volumes.into_iter().map(volume).collect());
    for container in spec.containers.into_iter().chain(spec.init_containers) {
        add(into, container);
    }
}

fn extend(object: &mut Value, name: &str, members: BTreeMap<String, String>) {
    if members.is_empty() {
        return;
    }
    if !object[name].is_object() {
        object[name] = Value::Object(Map::new());
    }
    for (key, value) in members {
        object[name][key] = Value::from(value);
    }
}

fn push(object: &mut Value, name: &str, values: Vec<Value>) {
    if let Some(list) = object[name].as_array_mut() {
        list.extend(values);
    }
}

fn volume(volume: Volume) -> Value {
    let claim = volume
        .persistent_volume_claim
        .map(|claim| json!({ "claimName": claim.claim_name, "readOnly": claim.read_only }));
    let sources = [
        ("emptyDir", volume.empty_dir),
        ("configMap", volume.config_map),
        ("ephemeral", volume.ephemeral),
        ("persistentVolumeClaim", claim),
    ];
    let mut made = json!({ "name": volume.name });
    for (kind, source) in sources.into_iter().filter_map(|(kind, source)| Some((kind, source?))) {
        made[kind] = source;
    }
    made
}

fn add(spec: &mut Value, container: Container) {
    let lists = ["containers", "initContainers"].into_iter();
    let place = lists.filter_map(|list| {
        spec[list].as_array()?.iter().position(|known| known["name"] == container.name).map(|at| (list, at))
    });
    let Some((list, at)) = place.collect::<Vec<_>>().pop() else { return };
    let into = &mut spec[list][at];
    resources::over(into, &container.resources);
    if let Some(env) = into["env"].as_array_mut() {
        for Variable { name, value } in container.env {
            env.retain(|known| known["name"] != name);
            env.push(json!({ "name": name, "value": value }));
        }
    }
    let mounts = container.volume_mounts.into_iter().map(|mount| {
        let mut made = json!({ "name": mount.name, "mountPath": mount.place, "readOnly": mount.read_only });
        if let Some(path) = mount.sub_path {
            made["subPath"] = json!(path);
        }
        made
    });
    push(into, "volumeMounts", mounts.collect());
}
