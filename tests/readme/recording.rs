//! The recording at the top of the README against the demo. `make recording` writes it.

use std::{
    env,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

const README: &str = include_str!("../../README.md");

#[test]
fn the_recording_is_what_the_demo_prints_but_for_its_times() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    if !root.join("target/tools/bin/claude").exists() {
        assert!(env::var_os("CI").is_none(), "the agent CLI is missing: make tools");
        eprintln!("skipped: the agent CLI is not installed (make tools)");
        return;
    }
    let home = tempfile::tempdir().unwrap();
    let output = Command::new(root.join("hack/demo.sh"))
        .env("AMBIENT_DEMO_DIR", home.path())
        .env("AMBIENT_DEMO_BIN", binaries())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{printed}\n{}", String::from_utf8_lossy(&output.stderr));
    let printed = printed.replace(home.path().to_str().unwrap(), "target/demo");
    assert_eq!(stable(recorded()), stable(&printed), "run `make recording`");
}

fn recorded() -> &'static str {
    let (_, rest) =
        README.split_once("<!-- recording: written by `make recording` -->\n```text\n$ make demo\n").unwrap();
    rest.split_once("```\n<!-- end of the recording -->").unwrap().0
}

/// Where the binaries of this build are.
fn binaries() -> PathBuf {
    let folder = Path::new(env!("CARGO_BIN_EXE_ambient")).parent().unwrap();
    if !folder.join("examples/scripted_model").exists() {
        // `cargo test` builds the examples; a run of this test alone does not.
        let mut cargo = Command::new(env!("CARGO"));
        cargo.current_dir(env!("CARGO_MANIFEST_DIR")).args(["build", "--quiet", "--example", "scripted_model"]);
        assert!(cargo.status().unwrap().success());
    }
    folder.to_owned()
}

/// The lines without times, and without the spaces that times are moved by.
fn stable(text: &str) -> Vec<String> {
    let line = |line: &str| {
        let words = line.split_whitespace().filter(|word| !is_time(word));
        words.collect::<Vec<_>>().join(" ")
    };
    text.lines().map(line).collect()
}

/// `0.3s`, or a part of `1m 05s`.
fn is_time(word: &str) -> bool {
    let number = word.strip_suffix(['s', 'm', 'h']);
    number.is_some_and(|number| number.parse::<f64>().is_ok())
}

#[test]
fn times_are_told_from_words() {
    let words = ["0.3s", "1m", "05s", "12.4k", "turns", "s", "$0.04", "3"];
    assert_eq!(words.map(is_time), [true, true, true, false, false, false, false, false]);
}
