//! The fenced `sh` blocks. One that cannot be run in a test says why, in a comment above it.

use std::{
    fs,
    os::unix::fs::symlink,
    path::Path,
    process::{Command, Stdio},
};

use crate::fake_claude::fake_claude;

const README: &str = include_str!("../../README.md");
/// Begins the comment above a block that is not run.
const NOT_RUN: &str = "<!-- not run by tests/readme.rs: ";

/// What a newcomer types, in the order of the README, and what they then see. The agent is the fake CLI, which repeats what
/// it is asked.
const TYPED: [(&str, &[&str]); 7] = [
    (
        "ambient run examples/fix-bug.yaml",
        &["✓ workspace   3 files", "▸ fix-bug-initial", "✓ Succeeded (Completed)", "workspace  nothing changed"],
    ),
    ("ambient init my-session.yaml", &["wrote my-session.yaml; next: ambient run my-session.yaml"]),
    (
        "ambient run my-session.yaml",
        &[
            "my-session  claude-agent-sdk · default model · ./.ambient/my-session",
            "✓ workspace   1 file",
            "▸ my-session-initial",
            "Look at the files in the workspace",
            "✓ Succeeded (Completed)",
            "continue  ambient run --dir ./.ambient/my-session -m",
        ],
    ),
    (
        r#"ambient run --dir .ambient/my-session -m "And now write the docs.""#,
        &["▸ my-session-2", "And now write the docs.", "✓ Succeeded (Completed)"],
    ),
    (
        "ambient run my-session.yaml -o json",
        &[r#""kind": "AgenticSession""#, r#""name": "my-session-2""#, r#""phase": "Succeeded""#],
    ),
    (
        "ambient run examples/replay.yaml",
        &["… provider busy (529), retry 1 of 10", "⚙ Bash   make test", "exit 2", "✓ Succeeded (Completed)"],
    ),
    (
        r#"ambient run --dir .ambient/my-session -m "Once more, please." --record recordings"#,
        &["▸ my-session-3", "Once more, please.", "✓ Succeeded (Completed)"],
    ),
];

/// What only a person types: it takes the network, a key, a cluster or minutes.
const PERSONS: [&str; 6] = [
    "make demo",
    "make test",
    "cargo install --path . --locked",
    "npm install -g @anthropic-ai/claude-code",
    "export ANTHROPIC_API_KEY=…",
    "ambient run examples/fix-bug.yaml --cluster -n my-team",
];

#[test]
fn every_command_runs_from_top_to_bottom_in_a_newcomers_directory() {
    let (typed, _) = commands();
    assert_eq!(typed, TYPED.map(|(command, _)| command), "a command of the README has no test, or lost its place");
    let home = newcomer();
    for (command, told) in TYPED {
        let seen = type_in(home.path(), command);
        for part in told {
            assert!(seen.contains(part), "`{command}` does not say {part:?}:\n{seen}");
        }
    }
    for name in ["session.yaml", "runs/my-session-3.yaml", "workspace/notes/README.md", "events"] {
        assert!(home.path().join(".ambient/my-session").join(name).exists(), "{name}");
    }
    assert_eq!(fs::read_dir(home.path().join("recordings")).unwrap().count(), 1);
}

#[test]
fn a_command_is_left_to_a_person_only_for_a_reason_that_is_said() {
    let (_, persons) = commands();
    assert_eq!(persons, PERSONS);
    let makefile = include_str!("../../Makefile");
    for target in ["demo", "test", "recording"] {
        assert!(makefile.contains(&format!("\n{target}:")), "make {target}");
    }
}

/// Those that are run here, and those that are not.
fn commands() -> (Vec<&'static str>, Vec<&'static str>) {
    let (mut typed, mut persons) = (Vec::new(), Vec::new());
    let lines: Vec<&str> = README.lines().collect();
    for (at, _) in lines.iter().enumerate().filter(|(_, line)| **line == "```sh") {
        let reason = lines[at - 1].strip_prefix(NOT_RUN).and_then(|rest| rest.strip_suffix(" -->"));
        assert!(reason.is_none_or(|reason| reason.len() > 5), "line {at}: say why");
        let block = lines[at + 1..].iter().take_while(|line| **line != "```");
        let commands = block.map(|line| line.split(" # ").next().unwrap_or_default().trim());
        let list = if reason.is_some() { &mut persons } else { &mut typed };
        list.extend(commands.filter(|command| !command.is_empty()));
    }
    (typed, persons)
}

/// A directory with the examples of a clone, and `ambient` and `claude` on PATH.
fn newcomer() -> tempfile::TempDir {
    let home = tempfile::tempdir().unwrap();
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    for folder in ["", "recordings"] {
        let to = home.path().join("examples").join(folder);
        fs::create_dir_all(&to).unwrap();
        for file in fs::read_dir(source.join(folder)).unwrap().map(|entry| entry.unwrap().path()) {
            if file.is_file() {
                fs::copy(&file, to.join(file.file_name().unwrap())).unwrap();
            }
        }
    }
    fs::create_dir(home.path().join("bin")).unwrap();
    symlink(env!("CARGO_BIN_EXE_ambient"), home.path().join("bin/ambient")).unwrap();
    symlink(fake_claude(), home.path().join("bin/claude")).unwrap();
    home
}

/// What a person sees of a command that ends well.
fn type_in(home: &Path, command: &str) -> String {
    let path = format!("{}:{}", home.join("bin").display(), std::env::var("PATH").unwrap());
    let output = Command::new("sh")
        .args(["-c", command])
        .current_dir(home)
        .env_clear()
        .envs([("PATH", path.as_str()), ("ANTHROPIC_API_KEY", "a-key-of-no-value")])
        .env("HOME", home)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let seen = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(output.status.success(), "`{command}` ends with {}:\n{seen}", output.status);
    seen
}
