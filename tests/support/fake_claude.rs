//! Where the fake CLI is: `examples/fake_claude`, see there for what a prompt may ask of it.

#![allow(clippy::expect_used, reason = "a double that cannot be built fails its test")]

use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::LazyLock,
};

static FAKE: LazyLock<PathBuf> = LazyLock::new(|| {
    let test = std::env::current_exe().expect("the test's own path");
    let profile = test.ancestors().nth(2).expect("tests are in target/PROFILE/deps");
    let fake = profile.join("examples/fake_claude");
    if !fake.exists() {
        build(profile);
    }
    fake
});

/// The fake CLI's executable. `cargo test` has built it; a run of single tests builds it here.
pub(crate) fn fake_claude() -> &'static Path {
    &FAKE
}

fn build(profile: &Path) {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.current_dir(env!("CARGO_MANIFEST_DIR")).args(["build", "--quiet", "--example", "fake_claude"]);
    if profile.ends_with("release") {
        cargo.arg("--release");
    }
    assert!(cargo.status().expect("cargo starts").success(), "examples/fake_claude does not compile");
}
