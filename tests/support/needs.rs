//! What a test needs of its machine.

#![allow(dead_code, reason = "not every test needs a tool")]

use std::path::{Path, PathBuf};

/// Says that a test is skipped because something is missing; in CI it fails.
#[track_caller]
pub(crate) fn missing(what: &str) {
    let ci = std::env::var("CI").is_ok_and(|ci| ci == "true");
    assert!(!ci, "this test needs {what}");
    eprintln!("SKIPPED: this test needs {what}");
}

/// What `make tools` has installed, or what a variable names instead.
pub(crate) fn tool(variable: &str, installed: &str, exists: impl Fn(&Path) -> bool) -> Option<PathBuf> {
    let default = || Path::new(env!("CARGO_MANIFEST_DIR")).join(installed);
    let path = std::env::var_os(variable).map_or_else(default, PathBuf::from);
    if exists(&path) {
        return Some(path);
    }
    missing(&format!("{} (run `make tools`, or set {variable})", path.display()));
    None
}
