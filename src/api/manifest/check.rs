//! Checks a document against a resource's schema, as the API server would and more strictly: unknown fields are errors.
//! On the way the document becomes JSON, with defaults filled in and empty fields left out.

mod scalar;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    JSONSchemaProps, JSONSchemaPropsOrArray, JSONSchemaPropsOrBool,
};
use serde_json::{Map, Value};

use super::{
    diagnostic::Finding,
    suggest,
    tree::{Kind, MAX_VALUES, NodeId, Tree, is_secret_key},
};
use crate::api::path::FieldPath;

/// A value under check: where it stands in the document and in the resource.
#[derive(Clone, Copy)]
struct Place<'a> {
    node: NodeId,
    path: &'a FieldPath,
    is_secret: bool,
}

/// Checks one document.
pub(super) struct Checker<'t> {
    tree: &'t Tree,
    visited: usize,
    findings: Vec<Finding>,
}

impl<'t> Checker<'t> {
    /// The document as JSON, as good as it can be had, and everything that is wrong with it.
    pub(super) fn check(tree: &'t Tree, document: NodeId, schema: &JSONSchemaProps) -> (Value, Vec<Finding>) {
        let mut checker = Self { tree, visited: 0, findings: Vec::new() };
        let root = Place { node: document, path: &FieldPath::root(), is_secret: false };
        let value = checker.value(root, schema);
        (value, checker.findings)
    }

    /// A value that does not fit is reported, and returned as what comes nearest, so that one mistake gives one error.
    fn value(&mut self, place: Place<'_>, schema: &JSONSchemaProps) -> Value {
        self.visited += 1;
        if self.visited > MAX_VALUES {
            return self.too_large(place);
        }
        match schema.type_.as_deref() {
            Some("object") => self.object(place, schema),
            Some("array") => self.array(place, schema),
            Some(kind) => self.scalar(place, schema, kind),
            None => self.free(place),
        }
    }

    fn too_large(&mut self, place: Place<'_>) -> Value {
        // Said once: everything after it would say the same.
        if self.visited == MAX_VALUES + 1 {
            self.report(place, format!("aliases repeat more than {MAX_VALUES} values"));
        }
        Value::Null
    }

    fn object(&mut self, place: Place<'_>, schema: &JSONSchemaProps) -> Value {
        let Kind::Map(entries) = &self.tree.node(place.node).kind else {
            self.wrong_type(place, "an object");
            return neutral(schema);
        };
        self.duplicates(place, entries);
        let mut object = Map::new();
        for &(key, value) in entries {
            self.member(place, schema, (key, value), &mut object);
        }
        self.complete(place, schema, &mut object);
        Value::Object(object)
    }

    fn member(
        &mut self,
        place: Place<'_>,
        schema: &JSONSchemaProps,
        (key, node): (NodeId, NodeId),
        object: &mut Map<String, Value>,
    ) {
        let Some(name) = self.tree.text(key) else {
            return self.report(Place { node: key, ..place }, "expected a field name");
        };
        let path = place.path.key(name);
        let is_secret = place.is_secret || is_secret_key(name);
        let child = Place { node, path: &path, is_secret };
        let value = match member_schema(schema, name) {
            Member::Known(_) if self.tree.is_null(node) => return,
            Member::Known(schema) | Member::Any(schema) => self.value(child, schema),
            Member::Free => self.free(child),
            Member::Unknown => return self.unknown(Place { node: key, ..child }, name, schema),
        };
        object.insert(name.to_owned(), value);
    }

    /// Fills in the defaults and reports what is missing.
    fn complete(&mut self, place: Place<'_>, schema: &JSONSchemaProps, object: &mut Map<String, Value>) {
        for (name, member) in schema.properties.iter().flatten() {
            if let Some(default) = member.default.as_ref().filter(|_| !object.contains_key(name)) {
                object.insert(name.clone(), default.0.clone());
            }
        }
        for name in schema.required.iter().flatten().filter(|name| !object.contains_key(*name)) {
            let what = member_schema(schema, name).description();
            let path = place.path.key(name);
            let finding = Finding::new(self.tree.span(place.node), path, "this field is missing");
            self.findings.push(match what {
                Some(what) => finding.help(format!("{name}: {what}")),
                None => finding,
            });
        }
        fill_in(schema, object);
    }

    fn duplicates(&mut self, place: Place<'_>, entries: &[(NodeId, NodeId)]) {
        let mut seen = std::collections::HashMap::new();
        for &(key, _) in entries {
            let Some(name) = self.tree.text(key) else {
                continue;
            };
            let line = self.tree.span(key).start.line;
            if let Some(first) = seen.insert(name, line) {
                let path = place.path.key(name);
                let message = format!("this field is given twice, first in line {first}");
                self.findings.push(Finding::new(self.tree.span(key), path, message));
            }
        }
    }

    fn unknown(&mut self, place: Place<'_>, name: &str, schema: &JSONSchemaProps) {
        let known = || schema.properties.iter().flat_map(|members| members.keys()).map(String::as_str);
        let help = match suggest::closest(name, known()) {
            _ if name == "<<" => "merge keys are not part of YAML 1.2: write the fields out".to_owned(),
            Some(meant) => format!("did you mean \"{meant}\"?"),
            None => format!("known fields: {}", known().collect::<Vec<_>>().join(", ")),
        };
        let span = self.tree.span(place.node);
        self.findings.push(Finding::new(span, place.path.clone(), "unknown field").help(help));
    }

    fn array(&mut self, place: Place<'_>, schema: &JSONSchemaProps) -> Value {
        let Kind::List(elements) = &self.tree.node(place.node).kind else {
            self.wrong_type(place, "a list");
            return Value::Array(Vec::new());
        };
        self.size(place, elements.len(), (schema.min_items, schema.max_items), "elements");
        let Some(JSONSchemaPropsOrArray::Schema(item)) = &schema.items else {
            return self.free(place);
        };
        let values = elements.iter().enumerate().map(|(index, &node)| {
            let path = place.path.index(index);
            self.value(Place { node, path: &path, ..place }, item)
        });
        Value::Array(values.collect())
    }

    fn size(&mut self, place: Place<'_>, size: usize, limits: (Option<i64>, Option<i64>), what: &str) {
        let size = i64::try_from(size).unwrap_or(i64::MAX);
        match limits {
            (Some(1), _) if size == 0 => self.report(place, "this must not be empty"),
            (Some(min), _) if size < min => {
                self.report(place, format!("expected at least {min} {what}, found {size}"));
            }
            (_, Some(max)) if size > max => {
                self.report(place, format!("expected at most {max} {what}, found {size}"));
            }
            _ => {}
        }
    }

    fn report(&mut self, place: Place<'_>, message: impl Into<String>) {
        self.findings.push(Finding::new(self.tree.span(place.node), place.path.clone(), message));
    }

    fn report_with_help(&mut self, place: Place<'_>, message: String, help: String) {
        let span = self.tree.span(place.node);
        self.findings.push(Finding::new(span, place.path.clone(), message).help(help));
    }
}

/// A value that fits a schema as far as types go, in place of one that does not: so the rest of the object can still be
/// read and checked.
fn neutral(schema: &JSONSchemaProps) -> Value {
    let first = schema.enum_.as_ref().and_then(|values| values.first());
    if let Some(value) = schema.default.as_ref().or(first) {
        return value.0.clone();
    }
    match schema.type_.as_deref() {
        Some("object") => {
            let mut object = Map::new();
            fill_in(schema, &mut object);
            Value::Object(object)
        }
        Some("array") => Value::Array(Vec::new()),
        Some("integer") => Value::from(1),
        Some("number") => Value::from(1.0),
        Some("boolean") => Value::Bool(false),
        _ => Value::String(String::new()),
    }
}

/// Puts neutral values where required members are missing.
fn fill_in(schema: &JSONSchemaProps, object: &mut Map<String, Value>) {
    for name in schema.required.iter().flatten() {
        let member = schema.properties.as_ref().and_then(|members| members.get(name));
        if let Some(member) = member.filter(|_| !object.contains_key(name)) {
            object.insert(name.clone(), neutral(member));
        }
    }
}

/// What a schema says about a member.
enum Member<'s> {
    /// A field of its own.
    Known(&'s JSONSchemaProps),
    /// One of a map's values.
    Any(&'s JSONSchemaProps),
    /// Anything goes.
    Free,
    /// There is no such field.
    Unknown,
}

impl<'s> Member<'s> {
    fn description(&self) -> Option<&'s str> {
        match self {
            Self::Known(schema) | Self::Any(schema) => schema.description.as_deref(),
            Self::Free | Self::Unknown => None,
        }
    }
}

fn member_schema<'s>(schema: &'s JSONSchemaProps, name: &str) -> Member<'s> {
    if let Some(known) = schema.properties.as_ref().and_then(|members| members.get(name)) {
        return Member::Known(known);
    }
    match &schema.additional_properties {
        Some(JSONSchemaPropsOrBool::Schema(value)) => Member::Any(value),
        Some(JSONSchemaPropsOrBool::Bool(true)) => Member::Free,
        _ if schema.x_kubernetes_preserve_unknown_fields == Some(true) => Member::Free,
        _ => Member::Unknown,
    }
}
