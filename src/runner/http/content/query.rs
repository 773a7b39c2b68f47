//! The query of a request, read as the original reads it.

use std::convert::Infallible;

use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;

/// Names and values. Nothing in a query is an error; of a name that comes twice the last value counts.
pub(super) struct Parameters(Vec<(String, String)>);

impl Parameters {
    /// The value of a name; empty when it is missing.
    pub(super) fn get(&self, name: &str) -> &str {
        self.0.iter().rev().find_map(|(known, value)| (known == name).then_some(value.as_str())).unwrap_or_default()
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Parameters {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self(Query::try_from_uri(&parts.uri).map(|Query(pairs)| pairs).unwrap_or_default()))
    }
}
