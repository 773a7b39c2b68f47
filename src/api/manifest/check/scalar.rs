//! Texts, numbers and truth values, and values without a schema.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::JSONSchemaProps;
use serde_json::{Map, Value};

use super::{Checker, Place, neutral};
use crate::api::{
    manifest::{
        scalar::{Meaning, in_kubectl, is_octal_in_kubectl},
        suggest,
        tree::{Kind, MAX_VALUES},
    },
    validate::text::quoted,
};

/// A scalar as it is written.
#[derive(Clone, Copy)]
struct Written<'t> {
    text: &'t str,
    meaning: Meaning,
    is_plain: bool,
}

impl Checker<'_> {
    pub(super) fn scalar(&mut self, place: Place<'_>, schema: &JSONSchemaProps, kind: &str) -> Value {
        let Kind::Scalar { text, meaning, is_plain } = &self.tree.node(place.node).kind else {
            self.wrong_type(place, article(kind));
            return neutral(schema);
        };
        let written = Written { text, meaning: *meaning, is_plain: *is_plain };
        match kind {
            "string" => self.string(place, schema, written),
            "integer" => self.integer(place, schema, written),
            "number" => self.number(place, schema, written),
            _ => self.boolean(place, written),
        }
    }

    fn string(&mut self, place: Place<'_>, schema: &JSONSchemaProps, written: Written<'_>) -> Value {
        let text = written.text;
        match written.meaning {
            Meaning::Text if written.is_plain => self.kubectl_trap(place, text),
            Meaning::Text => {}
            Meaning::Null => {
                self.report_with_help(
                    place,
                    "expected a string, found nothing".into(),
                    "an empty string is \"\"".into(),
                );
            }
            Meaning::Bool(_) | Meaning::Int(_) | Meaning::Float(_) => {
                let (found, help) = (self.found(place), quote(place, text));
                self.report_with_help(place, format!("expected a string, found {found}"), help);
            }
        }
        let length = text.chars().count();
        self.size(place, length, (schema.min_length, schema.max_length), "characters");
        if self.is_allowed(place, schema, text) { Value::String(text.to_owned()) } else { neutral(schema) }
    }

    fn kubectl_trap(&mut self, place: Place<'_>, text: &str) {
        if let Some(read) = in_kubectl(text) {
            let message = format!("expected a string; without quotes kubectl reads it as {read}");
            self.report_with_help(place, message, quote(place, text));
        }
    }

    fn is_allowed(&mut self, place: Place<'_>, schema: &JSONSchemaProps, text: &str) -> bool {
        let known = || schema.enum_.iter().flatten().filter_map(|value| value.0.as_str());
        if schema.enum_.is_none() || known().any(|name| name == text) {
            return true;
        }
        let names: Vec<&str> = known().collect();
        let message = format!("expected {}, found {}", alternatives(&names), quoted(text));
        match suggest::closest(text, names) {
            Some(meant) => {
                self.report_with_help(place, message, format!("did you mean \"{meant}\"?"));
            }
            None => self.report(place, message),
        }
        false
    }

    fn integer(&mut self, place: Place<'_>, schema: &JSONSchemaProps, written: Written<'_>) -> Value {
        let Meaning::Int(number) = written.meaning else {
            self.wrong_type(place, "a whole number");
            return neutral(schema);
        };
        if written.is_plain && is_octal_in_kubectl(written.text) {
            let message = "without the leading zero, please: kubectl reads it as an octal number";
            self.report_with_help(place, message.into(), format!("write {number}"));
        }
        #[expect(clippy::cast_precision_loss, reason = "limits are small numbers")]
        let fits = self.is_in_limits(place, schema, number as f64);
        if fits { Value::from(number) } else { neutral(schema) }
    }

    fn number(&mut self, place: Place<'_>, schema: &JSONSchemaProps, written: Written<'_>) -> Value {
        let number = match written.meaning {
            #[expect(clippy::cast_precision_loss, reason = "the field is a floating point number")]
            Meaning::Int(number) => number as f64,
            Meaning::Float(number) if number.is_finite() => number,
            Meaning::Float(_) | Meaning::Null | Meaning::Bool(_) | Meaning::Text => {
                self.wrong_type(place, "a number");
                return neutral(schema);
            }
        };
        self.is_in_limits(place, schema, number);
        Value::from(number)
    }

    fn is_in_limits(&mut self, place: Place<'_>, schema: &JSONSchemaProps, number: f64) -> bool {
        if let Some(min) = schema.minimum.filter(|&min| number < min) {
            self.report(place, format!("expected at least {min}, found {number}"));
        }
        if let Some(max) = schema.maximum.filter(|&max| number > max) {
            self.report(place, format!("expected at most {max}, found {number}"));
        }
        schema.minimum.is_none_or(|min| number >= min) && schema.maximum.is_none_or(|max| number <= max)
    }

    fn boolean(&mut self, place: Place<'_>, written: Written<'_>) -> Value {
        if let Meaning::Bool(value) = written.meaning {
            return Value::Bool(value);
        }
        let found = self.found(place);
        let message = format!("expected true or false, found {found}");
        match in_kubectl(written.text).filter(|_| written.is_plain) {
            Some(read @ ("true" | "false")) => {
                self.report_with_help(place, message, format!("write {read}"));
            }
            Some(_) | None => self.report(place, message),
        }
        Value::Bool(false)
    }

    pub(super) fn wrong_type(&mut self, place: Place<'_>, expected: &str) {
        let found = self.found(place);
        self.report(place, format!("expected {expected}, found {found}"));
    }

    /// What stands there, for a message. What may be a secret is only named.
    fn found(&self, place: Place<'_>) -> String {
        let Kind::Scalar { text, meaning, .. } = &self.tree.node(place.node).kind else {
            let is_list = matches!(self.tree.node(place.node).kind, Kind::List(_));
            return if is_list { "a list" } else { "an object" }.to_owned();
        };
        match meaning {
            Meaning::Null => "nothing".to_owned(),
            Meaning::Bool(_) if place.is_secret => "a truth value".to_owned(),
            Meaning::Bool(_) => format!("the truth value {text}"),
            Meaning::Int(_) | Meaning::Float(_) if place.is_secret => "a number".to_owned(),
            Meaning::Int(_) | Meaning::Float(_) => format!("the number {text}"),
            Meaning::Text if place.is_secret => "a string".to_owned(),
            Meaning::Text => quoted(text),
        }
    }

    /// A value that has no schema, as it is.
    pub(super) fn free(&mut self, place: Place<'_>) -> Value {
        self.visited += 1;
        if self.visited > MAX_VALUES {
            return self.too_large(place);
        }
        match &self.tree.node(place.node).kind {
            Kind::Scalar { text, meaning, .. } => self.free_scalar(place, text, *meaning),
            Kind::List(elements) => elements
                .iter()
                .enumerate()
                .map(|(index, &node)| self.free(Place { node, path: &place.path.index(index), ..place }))
                .collect(),
            Kind::Map(entries) => self.free_map(place, entries),
            Kind::Alias(_) => Value::Null,
        }
    }

    fn free_map(&mut self, place: Place<'_>, entries: &[(super::NodeId, super::NodeId)]) -> Value {
        self.duplicates(place, entries);
        let mut map = Map::new();
        for &(key, node) in entries {
            match self.tree.text(key) {
                Some(name) => {
                    let path = place.path.key(name);
                    let is_secret = place.is_secret || super::is_secret_key(name);
                    map.insert(name.to_owned(), self.free(Place { node, path: &path, is_secret }));
                }
                None => self.report(Place { node: key, ..place }, "expected a field name"),
            }
        }
        Value::Object(map)
    }

    fn free_scalar(&mut self, place: Place<'_>, text: &str, meaning: Meaning) -> Value {
        match meaning {
            Meaning::Null => Value::Null,
            Meaning::Bool(value) => Value::Bool(value),
            Meaning::Int(number) => Value::from(number),
            Meaning::Float(number) if number.is_finite() => Value::from(number),
            Meaning::Float(_) => {
                self.report(place, "expected a value that JSON has; this number is not one");
                Value::Null
            }
            Meaning::Text => Value::String(text.to_owned()),
        }
    }
}

fn article(kind: &str) -> &'static str {
    match kind {
        "string" => "a string",
        "integer" => "a whole number",
        "number" => "a number",
        _ => "true or false",
    }
}

fn quote(place: Place<'_>, text: &str) -> String {
    if place.is_secret { "put it in quotes".to_owned() } else { format!("put it in quotes: {}", quoted(text)) }
}

fn alternatives(names: &[&str]) -> String {
    match names {
        [] => "nothing".to_owned(),
        [only] => format!("{only:?}"),
        [rest @ .., last] => format!("one of {} or {last}", rest.join(", ")),
    }
}
