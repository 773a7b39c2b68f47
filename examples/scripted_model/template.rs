//! Variables in replies: `${prompt}`, `${tool_result}`, `${model}`, `${session}`, the named groups of a rule's regular
//! expressions, and `${fill N}` for N characters.

use std::collections::BTreeMap;

use serde_json::Value;

/// Names and values that a reply may use.
pub(crate) type Variables = BTreeMap<String, String>;

/// The text with every known `${name}` replaced. What is unknown stays as it is.
pub(crate) fn expand(text: &str, variables: &Variables) -> String {
    let mut expanded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find("${") {
        let Some(end) = rest[start..].find('}') else {
            break;
        };
        let (before, expression) = (&rest[..start], &rest[start..=start + end]);
        expanded.push_str(before);
        match value(&expression[2..expression.len() - 1], variables) {
            Some(value) => expanded.push_str(&value),
            None => expanded.push_str(expression),
        }
        rest = &rest[start + end + 1..];
    }
    expanded.push_str(rest);
    expanded
}

/// [`expand`] on every string of a JSON value.
pub(crate) fn expand_json(value: &Value, variables: &Variables) -> Value {
    match value {
        Value::String(text) => Value::String(expand(text, variables)),
        Value::Array(items) => items.iter().map(|item| expand_json(item, variables)).collect(),
        Value::Object(fields) => fields
            .iter()
            .map(|(name, field)| (name.clone(), expand_json(field, variables)))
            .collect::<serde_json::Map<_, _>>()
            .into(),
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    }
}

fn value(expression: &str, variables: &Variables) -> Option<String> {
    match expression.strip_prefix("fill ") {
        Some(count) => expand_count(count, variables).map(|count| "x".repeat(count)),
        None => variables.get(expression).cloned(),
    }
}

fn expand_count(count: &str, variables: &Variables) -> Option<usize> {
    variables.get(count).map_or(count, String::as_str).parse().ok()
}
