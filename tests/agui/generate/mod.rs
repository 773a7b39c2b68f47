//! Generators of AG-UI values for property tests: everything that the types can hold and the schema allows.

use ambient::agui::Id;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

/// The largest integer that the schema allows.
pub(crate) const MAX_SAFE: i64 = (1 << 53) - 1;

mod input;
mod kinds;
mod messages;

pub(crate) use input::input;
pub(crate) use kinds::{event, kinds};
pub(crate) use messages::message;

pub(crate) fn text() -> impl Strategy<Value = String> {
    "[a-z\"\\\\\n\u{0}é𝄞 ]{0,12}"
}

pub(crate) fn id() -> impl Strategy<Value = Id> {
    "[a-z0-9:/-]{0,8}".prop_map(Id::from)
}

/// Any JSON.
pub(crate) fn json_value() -> BoxedStrategy<Value> {
    prop_oneof![Just(Value::Null), solid_json()].boxed()
}

/// Any JSON but `null`.
pub(crate) fn solid_json() -> BoxedStrategy<Value> {
    let leaf = prop_oneof![
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<i16>().prop_map(|n| Value::from(f64::from(n) / 4.0)),
        text().prop_map(Value::from),
    ];
    leaf.prop_recursive(2, 8, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::btree_map(text(), inner, 0..3).prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
    .boxed()
}

pub(crate) fn object() -> impl Strategy<Value = Map<String, Value>> {
    prop::collection::btree_map(text(), json_value(), 0..3).prop_map(|map| map.into_iter().collect())
}

pub(crate) fn patch() -> impl Strategy<Value = Vec<Value>> {
    let pointer = || "(/([a-z]|~0|~1){0,3}){0,2}";
    let operation = (0..6_u8, pointer(), pointer(), json_value()).prop_map(|(op, path, from, value)| match op {
        0 => json!({"op": "add", "path": path, "value": value}),
        1 => json!({"op": "remove", "path": path}),
        2 => json!({"op": "replace", "path": path, "value": value}),
        3 => json!({"op": "move", "path": path, "from": from}),
        4 => json!({"op": "copy", "path": path, "from": from}),
        _ => json!({"op": "test", "path": path, "value": value}),
    });
    prop::collection::vec(operation, 0..3)
}
