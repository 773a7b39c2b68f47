//! JSON Patch. The examples of RFC 6902's appendix are among the cases.

use ambient::agui::patch::{PatchError, apply};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::generate;

fn patched(document: &Value, patch: &Value) -> Result<Value, PatchError> {
    let mut document = document.clone();
    apply(&mut document, patch.as_array().unwrap())?;
    Ok(document)
}

#[test]
fn operations_do_what_the_rfc_says() {
    for (document, patch, expected) in [
        (json!({"a": 1}), json!({"op": "add", "path": "/b", "value": 2}), json!({"a": 1, "b": 2})),
        (json!({"a": 1}), json!({"op": "add", "path": "/a", "value": 2, "xyz": 3}), json!({"a": 2})),
        (json!(["a", "c"]), json!({"op": "add", "path": "/1", "value": "b"}), json!(["a", "b", "c"])),
        (json!(["a"]), json!({"op": "add", "path": "/-", "value": ["b"]}), json!(["a", ["b"]])),
        (json!(["a"]), json!({"op": "add", "path": "/1", "value": null}), json!(["a", null])),
        (json!({}), json!({"op": "add", "path": "", "value": [1]}), json!([1])),
        (json!({"": 1}), json!({"op": "replace", "path": "/", "value": 2}), json!({"": 2})),
        (json!({"a": 1, "b": 2}), json!({"op": "remove", "path": "/b"}), json!({"a": 1})),
        (json!(["a", "b"]), json!({"op": "remove", "path": "/0"}), json!(["b"])),
        (json!({"a": {"b": 1}}), json!({"op": "replace", "path": "/a/b", "value": null}), json!({"a": {"b": null}})),
        (
            json!({"a": {"b": 1}, "c": {}}),
            json!({"op": "move", "from": "/a/b", "path": "/c/d"}),
            json!({"a": {}, "c": {"d": 1}}),
        ),
        (json!([1, 2, 3]), json!({"op": "move", "from": "/0", "path": "/2"}), json!([2, 3, 1])),
        (json!({"a": 1}), json!({"op": "move", "from": "/a", "path": "/a"}), json!({"a": 1})),
        (json!({"a": [1]}), json!({"op": "copy", "from": "/a", "path": "/a/-"}), json!({"a": [1, [1]]})),
        (json!({"~1": 1, "/": 2}), json!({"op": "remove", "path": "/~01"}), json!({"/": 2})),
        (json!({"a/b": 1}), json!({"op": "test", "path": "/a~1b", "value": 1.0}), json!({"a/b": 1})),
        (
            json!({"a": [1, {"b": 2}]}),
            json!({"op": "test", "path": "", "value": {"a": [1.0, {"b": 2}]}}),
            json!({"a": [1, {"b": 2}]}),
        ),
    ] {
        assert_eq!(patched(&document, &json!([patch])), Ok(expected), "{patch}");
    }
}

#[test]
fn operations_that_point_at_nothing_fail() {
    let document = json!({"a": [1], "b": {"c": 2}});
    for (patch, place) in [
        (json!({"op": "add", "path": "/x/y", "value": 1}), "/x/y"),
        (json!({"op": "add", "path": "/a/2", "value": 1}), "/a/2"),
        (json!({"op": "add", "path": "/a/01", "value": 1}), "/a/01"),
        (json!({"op": "add", "path": "/b/c/d", "value": 1}), "/b/c/d"),
        (json!({"op": "remove", "path": "/a/1"}), "/a/1"),
        (json!({"op": "remove", "path": "/x"}), "/x"),
        (json!({"op": "replace", "path": "/x", "value": 1}), "/x"),
        (json!({"op": "copy", "from": "/x", "path": "/y"}), "/x"),
        (json!({"op": "move", "from": "/a/-", "path": "/y"}), "/a/-"),
        (json!({"op": "test", "path": "/x", "value": null}), "/x"),
    ] {
        assert_eq!(patched(&document, &json!([patch])), Err(PatchError::NoSuchPlace(place.into())), "{patch}");
    }
    let into_itself = json!([{"op": "move", "from": "/b", "path": "/b/c"}]);
    assert_eq!(patched(&document, &into_itself), Err(PatchError::IntoItself("/b".into())));
    let test = json!([{"op": "test", "path": "/a", "value": [2]}]);
    assert_eq!(patched(&document, &test), Err(PatchError::TestFailed("/a".into())));
}

#[test]
fn what_is_not_an_operation_is_malformed() {
    for wrong in [
        json!({"op": "add", "path": "/a"}),
        json!({"op": "add", "path": "a", "value": 1}),
        json!({"op": "add", "path": "/~2", "value": 1}),
        json!({"op": "add", "path": "/~", "value": 1}),
        json!({"op": "move", "path": "/a"}),
        json!({"op": "grow", "path": "/a"}),
        json!("add"),
    ] {
        let patch = json!([{"op": "add", "path": "/fine", "value": 1}, wrong]);
        assert_eq!(patched(&json!({}), &patch), Err(PatchError::Malformed(1)), "{wrong}");
    }
}

/// A document and operations on places that it may have.
fn cases() -> impl Strategy<Value = (Value, Vec<Value>)> {
    let document =
        prop_oneof![Just(json!({"a": [1, {"b": 2}, []], "b": {"a": {}, "b": [0]}})), generate::json_value(),];
    let pointer = || "(/(a|b|0|1|-)){0,3}";
    let operation = (0..6_u8, pointer(), pointer(), 0..3_u8).prop_map(|(op, path, from, value)| match op {
        0 => json!({"op": "add", "path": path, "value": value}),
        1 => json!({"op": "remove", "path": path}),
        2 => json!({"op": "replace", "path": path, "value": {"a": value}}),
        3 => json!({"op": "move", "path": path, "from": from}),
        4 => json!({"op": "copy", "path": path, "from": from}),
        _ => json!({"op": "test", "path": path, "value": value}),
    });
    (document, prop::collection::vec(operation, 1..6))
}

proptest! {
    #[test]
    fn a_patch_that_fails_changes_nothing((document, patch) in cases()) {
        let mut attempt = document.clone();
        let patch = [patch, vec![json!({"op": "test", "path": "/no/such", "value": 0})]].concat();
        prop_assert!(apply(&mut attempt, &patch).is_err());
        prop_assert_eq!(attempt, document);
    }

    #[test]
    fn operations_together_do_what_they_do_one_by_one((document, patch) in cases()) {
        let mut one_by_one = document.clone();
        let all_apply = patch.iter().all(|one| apply(&mut one_by_one, std::slice::from_ref(one)).is_ok());
        let mut together = document.clone();
        prop_assert_eq!(apply(&mut together, &patch).is_ok(), all_apply);
        prop_assert_eq!(together, if all_apply { one_by_one } else { document });
    }
}
