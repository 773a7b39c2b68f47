//! What keeps our output inside the JSON Schema and our input lenient.
#![expect(clippy::ref_option, reason = "serde calls these with a reference to the member")]

use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// The largest integer that survives every JSON implementation: 2^53 - 1.
const MAX_SAFE_INTEGER: u64 = (1 << 53) - 1;

/// Members that may be anything but `null`: absent and `null` mean the same, and only absent is legal to write.
pub(super) fn is_absent(value: &Option<Value>) -> bool {
    value.as_ref().is_none_or(Value::is_null)
}

/// A count that the schema does not allow is left out: unknown is better than a frame that clients refuse.
pub(super) fn is_not_a_count(value: &Option<u64>) -> bool {
    value.is_none_or(|count| count > MAX_SAFE_INTEGER)
}

/// A timestamp, if the schema allows it.
pub(super) fn safe_timestamp(value: Option<i64>) -> Option<i64> {
    value.filter(|time| time.unsigned_abs() <= MAX_SAFE_INTEGER)
}

/// Reads `null` as the empty list: producers in languages with a null write it for "none".
pub(super) fn null_as_empty<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}
