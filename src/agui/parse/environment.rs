//! The members of a run request that are no part of AG-UI: variables for the agent, and the client's notes.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::body::{Body, member};

/// The most variables of one run.
const MAX_VARIABLES: usize = 64;
/// The longest value, in bytes.
const MAX_VALUE: usize = 32 * 1024;
/// The most bytes of all names and values.
const MAX_TOTAL: usize = 128 * 1024;
/// The longest name, in bytes.
const MAX_NAME: usize = 256;
/// The most bytes of the client's notes, as JSON.
const MAX_METADATA: usize = 16 * 1024;

impl Body {
    /// The run's variables. A value is never repeated in an error: it may be a secret.
    pub(super) fn environment(&mut self) -> BTreeMap<String, String> {
        let members = match self.take("environment") {
            None => return BTreeMap::new(),
            Some(Value::Object(members)) => members,
            Some(_) => {
                self.wrong(None, "expected an object of texts, such as {\"NAME\": \"value\"}");
                return BTreeMap::new();
            }
        };
        let read: BTreeMap<_, _> = members.into_iter().filter_map(|(name, value)| self.variable(name, value)).collect();
        let total: usize = read.iter().map(|(name, value)| name.len() + value.len()).sum();
        if read.len() > MAX_VARIABLES || total > MAX_TOTAL {
            self.wrong(None, &format!("expected at most {MAX_VARIABLES} variables of {MAX_TOTAL} bytes together"));
        }
        read
    }

    fn variable(&mut self, name: String, value: Value) -> Option<(String, String)> {
        match value {
            _ if !is_name(&name) => {
                self.wrong(Some(&name), &format!("expected a name of letters, digits and _ (at most {MAX_NAME})"));
                None
            }
            Value::String(text) if text.len() <= MAX_VALUE && !text.contains('\0') => Some((name, text)),
            _ => {
                self.wrong(Some(&name), &format!("expected a text of at most {MAX_VALUE} bytes without NUL"));
                None
            }
        }
    }

    fn wrong(&mut self, name: Option<&str>, expected: &str) {
        let path = [member("environment")].into_iter().chain(name.map(member)).collect();
        self.report("invalid", path, format!("environment: {expected}"), &Value::Null);
    }

    /// The client's notes. What is no object is dropped, as the original drops it.
    pub(super) fn metadata(&mut self) -> Option<Map<String, Value>> {
        let Some(Value::Object(members)) = self.take("metadata") else {
            return None;
        };
        let metadata = Value::Object(members);
        if metadata.to_string().len() > MAX_METADATA {
            let msg = format!("metadata: expected at most {MAX_METADATA} bytes");
            self.report("invalid", vec![member("metadata")], msg, &Value::Null);
        }
        match metadata {
            Value::Object(members) if !members.is_empty() => Some(members),
            _ => None,
        }
    }
}

/// Whether a shell can name it.
fn is_name(name: &str) -> bool {
    let known = |c: char| c.is_ascii_alphanumeric() || c == '_';
    !name.is_empty()
        && name.len() <= MAX_NAME
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.chars().all(known)
}
