//! What an answer must look like: JSON with placeholders.
//!
//! `"<string>"`, `"<number>"`, `"<boolean>"`, `"<list>"`, `"<object>"`, `"<any>"` stand for any value of that type, and
//! `"<string|null>"` for one of several. A list `["<each>", shape]` has any number of elements of that shape. An object has
//! exactly the named members, or more when it names `"..."`. Everything else is compared as it is.

use serde_json::Value;

/// Where and how a value is not of a shape; nothing when it is.
pub(crate) fn mismatch(found: &Value, shape: &Value, at: &str) -> Option<String> {
    match (shape, found) {
        (Value::String(pattern), _) if pattern.starts_with('<') && pattern.ends_with('>') => {
            let fits = pattern[1..pattern.len() - 1].split('|').any(|kind| is(found, kind));
            (!fits).then(|| format!("{at}: expected {pattern}, found {found}"))
        }
        (Value::Object(wanted), Value::Object(members)) => {
            let open = wanted.contains_key("...");
            let missing = wanted.keys().filter(|name| *name != "...").find(|name| !members.contains_key(*name));
            let extra = members.keys().find(|name| !open && !wanted.contains_key(*name));
            if let Some(name) = missing {
                return Some(format!("{at}: {name} is missing in {found}"));
            }
            if let Some(name) = extra {
                return Some(format!("{at}: unexpected member {name} in {found}"));
            }
            wanted
                .iter()
                .filter(|(name, _)| *name != "...")
                .find_map(|(name, shape)| mismatch(&members[name], shape, &format!("{at}.{name}")))
        }
        (Value::Array(wanted), Value::Array(elements)) => list(elements, wanted, at),
        _ => (shape != found).then(|| format!("{at}: expected {shape}, found {found}")),
    }
}

fn list(elements: &[Value], wanted: &[Value], at: &str) -> Option<String> {
    let each = wanted.first().is_some_and(|first| first == "<each>");
    if !each && elements.len() != wanted.len() {
        return Some(format!("{at}: expected {} elements, found {}", wanted.len(), elements.len()));
    }
    let shape_of = |number: usize| if each { &wanted[1] } else { &wanted[number] };
    let mut numbered = elements.iter().enumerate();
    numbered.find_map(|(number, element)| mismatch(element, shape_of(number), &format!("{at}[{number}]")))
}

fn is(value: &Value, kind: &str) -> bool {
    match kind {
        "string" => value.is_string(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "list" => value.is_array(),
        "object" => value.is_object(),
        "null" => value.is_null(),
        "any" => true,
        other => panic!("the shape names {other}, which is no type"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn fits(found: &Value, shape: &Value) -> bool {
        mismatch(found, shape, "answer").is_none()
    }

    #[test]
    fn placeholders_stand_for_types() {
        let shape = json!({"id": "<string>", "size": "<number|null>", "all": ["<each>", {"a": "<boolean>"}]});
        assert!(fits(&json!({"id": "x", "size": null, "all": [{"a": true}, {"a": false}]}), &shape));
        assert!(!fits(&json!({"id": 1, "size": null, "all": []}), &shape));
        assert!(!fits(&json!({"id": "x", "size": 1, "all": [{"a": 2}]}), &shape));
    }

    #[test]
    fn members_are_exactly_those_named_unless_more_are_allowed() {
        assert!(!fits(&json!({"a": 1, "b": 2}), &json!({"a": 1})));
        assert!(fits(&json!({"a": 1, "b": 2}), &json!({"a": 1, "...": true})));
        assert!(!fits(&json!({"b": 2}), &json!({"a": 1, "...": true})));
    }
}
