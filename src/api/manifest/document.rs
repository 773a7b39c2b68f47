//! One document of a manifest: which resource it is, and whether it is a good one.

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{
    Resource,
    check::Checker,
    diagnostic::Finding,
    schema::{self, SERVER_METADATA},
    suggest,
    tree::{Kind, NodeId, Span, Tree},
};
use crate::api::{
    API_VERSION,
    path::{FieldPath, Segment},
    validate::{self, Place, Violation, text::quoted},
};

/// A resource of ours, read.
pub(super) struct Document {
    pub(super) resource: Resource,
    pub(super) name_span: Span,
}

/// The kinds that are known.
const KINDS: [&str; 3] = ["AgenticSession", "Run", "ProjectSettings"];

impl Document {
    /// Reads a document. What is wrong with it goes to `findings`.
    pub(super) fn read(tree: &Tree, root: NodeId, place: Place, findings: &mut Vec<Finding>) -> Option<Self> {
        let kind = kind(tree, root).map_err(|finding| findings.push(*finding)).ok()?;
        let (value, broken) = Checker::check(tree, root, schema::of(kind)?);
        let resource = resource(kind, value);
        let violations = match &resource {
            Ok(resource) => validate::resource(resource, place),
            Err(_) => Vec::new(),
        };
        let said = |violation: &Violation| broken.iter().any(|finding| is_within(finding, violation));
        let violations: Vec<Violation> = violations.into_iter().filter(|v| !said(v)).collect();
        if let (Err(error), true) = (&resource, broken.is_empty()) {
            let message = format!("this cannot be read: {error}");
            findings.push(Finding::new(tree.span(root), FieldPath::root(), message));
        }
        findings.extend(broken);
        findings.extend(violations.into_iter().map(|violation| finding(tree, root, violation)));
        let name_span = locate(tree, root, &FieldPath::of(&["metadata", "name"]));
        resource.ok().map(|resource| Self { resource, name_span })
    }
}

/// Whether a finding is about the place of a violation, a part of it, or what it is a part of: then it may be what caused it.
fn is_within(finding: &Finding, violation: &Violation) -> bool {
    let (found, broken) = (finding.path.segments(), violation.path.segments());
    found.starts_with(broken) || (!found.is_empty() && broken.starts_with(found))
}

fn kind(tree: &Tree, root: NodeId) -> Result<&'static str, Box<Finding>> {
    let problem = |node, path: &str, message: String| {
        let path = if path.is_empty() { FieldPath::root() } else { FieldPath::of(&[path]) };
        Box::new(Finding::new(tree.span(node), path, message))
    };
    if !matches!(tree.node(root).kind, Kind::Map(_)) {
        return Err(problem(root, "", "expected an object with apiVersion, kind, metadata and spec".into()));
    }
    let member = |name: &str| tree.entry(root, name).and_then(|(_, value)| Some((value, tree.text(value)?)));
    let Some((kind_node, kind)) = member("kind") else {
        let finding = *problem(root, "kind", "this field is missing".into());
        return Err(Box::new(finding.help(format!("one of {}", KINDS.join(", ")))));
    };
    let Some(known) = KINDS.into_iter().find(|known| *known == kind) else {
        let finding = *problem(kind_node, "kind", format!("there is no kind {} here", quoted(kind)));
        let help = suggest::closest(kind, KINDS).map(|meant| format!("did you mean \"{meant}\"?"));
        return Err(Box::new(finding.help(help.unwrap_or_else(|| format!("known: {}", KINDS.join(", "))))));
    };
    match member("apiVersion") {
        Some((_, API_VERSION)) => Ok(known),
        Some((node, other)) => {
            let message = format!("expected \"{API_VERSION}\", found {}", quoted(other));
            Err(problem(node, "apiVersion", message))
        }
        None => {
            let finding = *problem(kind_node, "apiVersion", "this field is missing".into());
            Err(Box::new(finding.help(format!("write apiVersion: {API_VERSION}"))))
        }
    }
}

fn resource(kind: &str, mut value: Value) -> Result<Resource, serde_json::Error> {
    forget_server_fields(&mut value);
    match kind {
        "AgenticSession" => typed(value).map(Resource::Session),
        "Run" => typed(value).map(Resource::Run),
        _ => typed(value).map(Resource::Settings),
    }
}

fn typed<T: DeserializeOwned>(value: Value) -> Result<Box<T>, serde_json::Error> {
    serde_json::from_value(value).map(Box::new)
}

fn forget_server_fields(value: &mut Value) {
    let Some(object) = value.as_object_mut() else {
        return;
    };
    object.remove("status");
    let metadata = object.entry("metadata").or_insert_with(|| Value::Object(serde_json::Map::new()));
    if let Some(metadata) = metadata.as_object_mut() {
        metadata.retain(|name, _| !SERVER_METADATA.contains(&name.as_str()));
    }
}

/// The finding at the place of a violation, or of what is nearest to it.
fn finding(tree: &Tree, root: NodeId, violation: Violation) -> Finding {
    let span = locate(tree, root, &violation.path);
    Finding { span, path: violation.path, message: violation.message, help: violation.help }
}

/// Where a field is written: a scalar itself, the key of anything larger, and of what is absent its nearest ancestor.
fn locate(tree: &Tree, root: NodeId, path: &FieldPath) -> Span {
    let mut node = root;
    let mut span = tree.span(root);
    for segment in path.segments() {
        let step = match segment {
            Segment::Key(key) => tree.entry(node, key),
            Segment::Index(index) => tree.element(node, *index).map(|element| (element, element)),
        };
        let Some((key, value)) = step else {
            return span;
        };
        node = value;
        let is_scalar = tree.text(value).is_some() && !tree.is_null(value);
        span = tree.span(if is_scalar { value } else { key });
    }
    span
}
