//! `ambient crds`: prints the `CustomResourceDefinition`s.

use std::io::{self, Write};

use crate::api::crds;

/// Every `CustomResourceDefinition` as one YAML stream, ready for `kubectl apply -f -`.
pub fn crds_yaml() -> io::Result<String> {
    let documents: Result<Vec<String>, _> = crds::all().iter().map(crds::yaml).collect();
    Ok(documents.map_err(io::Error::other)?.join("---\n"))
}

/// Writes them to `out`.
pub fn run(out: &mut impl Write) -> io::Result<()> {
    out.write_all(crds_yaml()?.as_bytes())
}
