//! Small JSON bodies.

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::HttpError;
use crate::agui::{InputError, Location};

/// Reads a body; an empty one is `{}`, so that a route says itself which member is missing. What is not JSON, or of the
/// wrong type, is the 422 of the original's other routes.
pub(super) fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, HttpError> {
    let bytes = if bytes.trim_ascii().is_empty() { b"{}" } else { bytes };
    serde_json::from_slice(bytes).map_err(|error| HttpError::Input(vec![described(&error)]))
}

fn described(error: &serde_json::Error) -> InputError {
    let (kind, before) = match error.classify() {
        serde_json::error::Category::Data => ("invalid", "expected another JSON value"),
        serde_json::error::Category::Syntax | serde_json::error::Category::Eof | serde_json::error::Category::Io => {
            ("json_invalid", "JSON decode error")
        }
    };
    let loc = vec![Location::Member("body".to_owned())];
    InputError { kind, loc, msg: format!("{before}: {error}"), input: Value::Null }
}
