//! Manifests with little text, for tests that read them.

#![allow(dead_code, reason = "each test uses a part of these")]
#![expect(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

use ambient::api::{
    AgenticSession,
    manifest::{self, Diagnostics, Manifest, Resource, Source},
    validate::Place,
};

/// A session `s` with these lines in its spec, each indented by two.
pub(crate) fn session(spec: &str) -> String {
    document("AgenticSession", "s", spec)
}

/// A run of the session `s`.
pub(crate) fn run(name: &str, spec: &str) -> String {
    document("Run", name, &format!("  sessionRef: {{name: s}}\n{spec}"))
}

fn document(kind: &str, name: &str, spec: &str) -> String {
    format!("apiVersion: vteam.ambient-code/v1alpha1\nkind: {kind}\nmetadata:\n  name: {name}\nspec:\n{spec}\n")
}

pub(crate) fn load(text: &str) -> Result<Vec<Manifest>, Diagnostics> {
    load_for(text, Place::Laptop)
}

pub(crate) fn load_for(text: &str, place: Place) -> Result<Vec<Manifest>, Diagnostics> {
    manifest::load(&[Source { name: "test.yaml", text }], place)
}

/// The only session of a good text.
pub(crate) fn session_of(text: &str) -> AgenticSession {
    let manifests = load(text).unwrap_or_else(|errors| panic!("{errors}"));
    match manifests.into_iter().next().map(|manifest| manifest.resource) {
        Some(Resource::Session(session)) => *session,
        other => panic!("no session, but {other:?}"),
    }
}

/// What is said about a bad text.
pub(crate) fn refused(text: &str) -> String {
    load(text).unwrap_err().to_string()
}
