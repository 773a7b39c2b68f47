//! A request's body that members are taken from, one after the other, while errors are collected.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::{
    InputError, Location,
    element::{Element, describe},
};

/// The names that the original takes besides those of AG-UI.
const SNAKE_CASE: [(&str, &str); 5] = [
    ("thread_id", "threadId"),
    ("run_id", "runId"),
    ("parent_run_id", "parentRunId"),
    ("protocol_version", "protocolVersion"),
    ("forwarded_props", "forwardedProps"),
];

/// Values longer than this, as JSON, are not repeated in an error.
const MAX_ECHO_BYTES: usize = 1024;

pub(super) struct Body {
    members: Map<String, Value>,
    errors: Vec<InputError>,
}

impl Body {
    pub(super) fn read(bytes: &[u8]) -> Result<Self, Vec<InputError>> {
        match serde_json::from_slice(bytes) {
            Ok(Value::Object(members)) => Ok(Self { members: in_camel_case(members), errors: Vec::new() }),
            Ok(other) => {
                Err(vec![error("invalid", vec![], "expected a JSON object with threadId and messages".into(), &other)])
            }
            Err(reason) => {
                Err(vec![error("json_invalid", vec![], format!("JSON decode error: {reason}"), &Value::Null)])
            }
        }
    }

    /// The value, or nothing and an error.
    pub(super) fn finish<T>(self, value: T) -> Result<T, Vec<InputError>> {
        if self.errors.is_empty() { Ok(value) } else { Err(self.errors) }
    }

    pub(super) fn missing(&mut self, name: &str, expected: &str) {
        if self.errors.iter().any(|error| error.loc.get(1) == Some(&member(name))) {
            return; // present, but wrong: already reported
        }
        let msg = format!("Field required: {name}, {expected}");
        self.report("missing", vec![member(name)], msg, &Value::Null);
    }

    pub(super) fn required<T: DeserializeOwned>(&mut self, name: &str, expected: &str) -> Option<T> {
        let value = self.optional(name);
        if value.is_none() {
            self.missing(name, expected);
        }
        value
    }

    pub(super) fn optional<T: DeserializeOwned>(&mut self, name: &str) -> Option<T> {
        let value = self.take(name)?;
        match T::deserialize(&value) {
            Ok(read) => Some(read),
            Err(reason) => {
                let msg = format!("{name}: {reason}");
                self.report("invalid", vec![member(name)], msg, &value);
                None
            }
        }
    }

    /// A list, read item by item, so that every wrong item is reported.
    pub(super) fn list<T: Element>(&mut self, name: &str) -> Option<Vec<T>> {
        match self.take(name)? {
            Value::Array(items) => {
                let read = items.into_iter().enumerate();
                Some(read.filter_map(|(at, item)| self.item(name, at, item)).collect())
            }
            Value::Object(_) if T::OBJECT_IS_DROPPED => None,
            other => {
                let msg = format!("{name}: expected a list");
                self.report("invalid", vec![member(name)], msg, &other);
                None
            }
        }
    }

    fn item<T: Element>(&mut self, list: &str, at: usize, mut item: Value) -> Option<T> {
        T::prepare(&mut item);
        match T::deserialize(&item) {
            Ok(read) => Some(read),
            Err(reason) => {
                let problem = describe::<T>(&item, &reason.to_string());
                let mut path = vec![member(list), Location::Position(at)];
                path.extend(problem.member.as_deref().map(member));
                let msg = format!("{list}[{at}]: {}", problem.msg);
                self.report(problem.kind, path, msg, &problem.input);
                None
            }
        }
    }

    pub(super) fn take(&mut self, name: &str) -> Option<Value> {
        self.members.remove(name).filter(|value| !value.is_null())
    }

    pub(super) fn report(&mut self, kind: &'static str, path: Vec<Location>, msg: String, input: &Value) {
        self.errors.push(error(kind, path, msg, input));
    }
}

fn error(kind: &'static str, path: Vec<Location>, msg: String, input: &Value) -> InputError {
    let short = input.to_string().len() <= MAX_ECHO_BYTES;
    InputError {
        kind,
        loc: [member("body")].into_iter().chain(path).collect(),
        msg,
        input: if short { input.clone() } else { Value::Null },
    }
}

pub(super) fn member(name: &str) -> Location {
    Location::Member(name.to_owned())
}

fn in_camel_case(mut members: Map<String, Value>) -> Map<String, Value> {
    for (snake, camel) in SNAKE_CASE {
        if let Some(value) = members.remove(snake) {
            members.entry(camel).or_insert(value);
        }
    }
    members
}
