//! What has to be written so that an object becomes another one, and no more than that.

use serde_json::{Map, Value};

/// The JSON merge patch (RFC 7396) that makes `to` of `from`; none where they are alike. `to` holds no nulls: such a patch
/// cannot write them.
pub(super) fn change(from: &Value, to: &Value) -> Option<Value> {
    match (from, to) {
        (Value::Object(from), Value::Object(to)) => members(from, to),
        (from, to) => (from != to).then(|| to.clone()),
    }
}

fn members(from: &Map<String, Value>, to: &Map<String, Value>) -> Option<Value> {
    let gone = from.keys().filter(|key| !to.contains_key(*key)).map(|key| (key.clone(), Value::Null));
    let set = to.iter().filter_map(|(key, to)| {
        let value = from.get(key).map_or_else(|| Some(to.clone()), |from| change(from, to))?;
        Some((key.clone(), value))
    });
    let members: Map<String, Value> = gone.chain(set).collect();
    (!members.is_empty()).then_some(Value::Object(members))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    /// What an API server does with a merge patch: RFC 7396, section 2.
    fn patched(target: Value, patch: &Value) -> Value {
        let Value::Object(patch) = patch else { return patch.clone() };
        let mut target = if let Value::Object(members) = target { members } else { Map::new() };
        for (key, value) in patch {
            let before = target.remove(key);
            if !value.is_null() {
                target.insert(key.clone(), patched(before.unwrap_or_default(), value));
            }
        }
        Value::Object(target)
    }

    fn values() -> impl Strategy<Value = Value> {
        let leaves = prop_oneof![any::<bool>().prop_map(Value::from), (0..3_i32).prop_map(Value::from)];
        leaves.prop_recursive(4, 24, 3, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
                prop::collection::hash_map("[a-c]", inner, 0..3).prop_map(|members| members.into_iter().collect()),
            ]
        })
    }

    proptest! {
        #[test]
        fn a_change_makes_the_one_of_the_other_and_is_nothing_where_they_are_alike(from in values(), to in values()) {
            let change = change(&from, &to);
            prop_assert_eq!(change.is_none(), from == to);
            let made = if let Some(change) = &change { patched(from, change) } else { from };
            prop_assert_eq!(made, to);
        }
    }

    #[test]
    fn what_stays_is_not_written() {
        let from =
            json!({"phase": "Creating", "lastActivityTime": "t", "runs": {"total": 1, "failed": 0}, "activeRun": "r"});
        let to = json!({"phase": "Running", "lastActivityTime": "t", "runs": {"total": 2, "failed": 0}});
        let expected = json!({"phase": "Running", "runs": {"total": 2}, "activeRun": null});
        assert_eq!(change(&from, &to), Some(expected));
    }
}
