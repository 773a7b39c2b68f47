//! The images and the tools are built from pinned versions only: what is not, fails here before it fails somebody's build.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::LazyLock,
};

use regex::Regex;
use serde_json::Value;

/// Files below a folder that fit, by name.
fn files(folder: &str, fits: impl Fn(&Path) -> bool) -> Vec<PathBuf> {
    let (mut found, mut folders) = (Vec::new(), vec![PathBuf::from(folder)]);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && !path.ends_with("node_modules") {
                folders.push(path);
            } else if fits(&path) {
                found.push(path);
            }
        }
    }
    found.sort();
    assert!(!found.is_empty(), "nothing to check");
    found
}

fn read(path: impl AsRef<Path>) -> String {
    std::fs::read_to_string(path).unwrap()
}

fn named(name: &'static str) -> impl Fn(&Path) -> bool {
    move |path| path.file_name().unwrap() == name
}

fn ending(extension: &'static str) -> impl Fn(&Path) -> bool {
    move |path| path.extension().is_some_and(|found| found == extension)
}

/// The commands of a script or a Dockerfile, lines that go on put together, without comments.
fn commands(text: &str) -> Vec<String> {
    let lines = text.lines().filter(|line| !line.trim_start().starts_with('#'));
    lines.collect::<Vec<_>>().join("\n").replace("\\\n", " ").lines().map(str::to_owned).collect()
}

/// A command that is not pinned, unless it has what pins it; and what is wrong with it.
struct Rule {
    command: Regex,
    pinned_by: Option<Regex>,
    why: &'static str,
}

static RULES: LazyLock<Vec<Rule>> = LazyLock::new(|| {
    let rules = [
        (r"[:@]latest\b", None, "names no version but the latest one"),
        (r"\bpip3? install\b", Some(r"--require-hashes\b"), "pip takes what the index has: add --require-hashes"),
        (r"\bnpm (i|install|add|update|exec)\b|\bnpx\b", None, "npm may change what is locked: use npm ci"),
        (r"\bcargo install\b", Some(r"--locked.*--version\b"), "cargo install needs --locked and --version"),
        (r"\bcargo\}? (build|test|run|clippy)\b", Some(r"--locked\b"), "cargo may change Cargo.lock: add --locked"),
        (r"\bgo (install|get|run)\b", None, "go may take another version: use the go.mod of a folder"),
        (r"\b(curl|wget)\b[^;|&]*https?://", Some(r"sha256sum"), "a download needs its checksum"),
        (r"\bapt-get\b.*\b(-t|--target-release)\b", None, "a package is of the named Debian release only"),
    ];
    let regex = |pattern: &str| Regex::new(pattern).unwrap();
    let rule = |(command, pinned_by, why): (&str, Option<&str>, _)| Rule {
        command: regex(command),
        pinned_by: pinned_by.map(regex),
        why,
    };
    rules.map(rule).into()
});

/// What is not pinned in a command.
fn loose(command: &str) -> Option<&'static str> {
    let pinned = |rule: &&Rule| rule.pinned_by.as_ref().is_some_and(|by| by.is_match(command));
    RULES.iter().find(|rule| rule.command.is_match(command) && !pinned(rule)).map(|rule| rule.why)
}

/// The images that a Dockerfile begins with and that name no release: neither a stage of its own nor one of Debian's.
fn loose_images(commands: &[String]) -> Vec<String> {
    let (mut stages, mut found) = (BTreeSet::new(), Vec::new());
    for line in commands.iter().filter_map(|line| line.strip_prefix("FROM ")) {
        let words: Vec<&str> = line.split_whitespace().filter(|word| !word.starts_with("--")).collect();
        let name = words[0].rsplit('/').next().unwrap();
        let tag = name.split_once([':', '@']).map(|(_, tag)| tag);
        let fixed = |tag: &str| tag != "latest" && (tag.contains("bookworm") || tag.starts_with("sha256:"));
        if !stages.contains(words[0]) && !tag.is_some_and(fixed) {
            found.push(format!("{}: name a release of it", words[0]));
        }
        stages.extend(words.get(2).copied());
    }
    found
}

#[test]
fn bug_22_no_script_and_no_dockerfile_takes_what_happens_to_be_newest() {
    let mut scripts = files("hack", ending("sh"));
    scripts.extend(["Dockerfile", "Makefile", ".ci/run"].map(PathBuf::from));
    let mut broken = Vec::new();
    for path in scripts {
        let commands = commands(&read(&path));
        let found =
            commands.iter().filter_map(|line| loose(line).map(|why| format!("{}: {why}: {line}", path.display())));
        broken.extend(found);
        broken.extend(loose_images(&commands));
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn bug_22_what_is_not_pinned_is_found() {
    for line in [
        "RUN pip install -r requirements.txt",
        "uv pip install mcp-server-fetch",
        "docker pull debian:latest",
        "npm install --global claude",
        "npx something",
        "cargo install cargo-deny",
        "cargo install --locked cargo-deny",
        "cargo build --release",
        "go install example.org/tool@v1.2.3",
        "curl -fsSL https://example.org/tool -o tool",
    ] {
        assert!(loose(line).is_some(), "{line}");
    }
    for line in ["debian", "docker.io/library/debian", "debian:latest AS base", "--platform=x python:3.11"] {
        assert_eq!(loose_images(&[format!("FROM {line}")]).len(), 1, "{line}");
    }
    let own = ["FROM debian:bookworm-slim AS base", "FROM base AS more"].map(str::to_owned);
    assert!(loose_images(&own).is_empty());
    assert_eq!(commands("a \\\n  b\n# c\nd"), ["a    b", "d"]);
}

#[test]
fn bug_22_every_python_package_has_its_version_and_hashes() {
    let (version, hash) = (
        Regex::new(r"^[A-Za-z0-9._-]+(\[[a-z0-9,_-]+\])?==[0-9][^ *]*( ;.*)?$").unwrap(),
        Regex::new(r"^--hash=sha256:[0-9a-f]{64}$").unwrap(),
    );
    for path in files("hack/mcp", ending("txt")) {
        let text = read(&path)
            .lines()
            .filter(|line| !line.starts_with('#'))
            .collect::<Vec<_>>()
            .join("\n")
            .replace("\\\n", "\n");
        let packages = text.lines().map(str::trim).filter(|line| !line.is_empty());
        let (mut hashes, mut count) = (1, 0);
        for line in packages {
            if hash.is_match(line) {
                hashes += 1;
                continue;
            }
            assert!(version.is_match(line), "{}: {line}", path.display());
            assert!(hashes > 0, "{}: no hash before {line}", path.display());
            (hashes, count) = (0, count + 1);
        }
        assert!(hashes > 0 && count > 0, "{}", path.display());
    }
    for path in files("hack/mcp", ending("in")) {
        assert!(read(&path).lines().all(|line| version.is_match(line)), "{}", path.display());
    }
}

#[test]
fn bug_22_every_npm_package_has_its_version_and_checksum() {
    let exact = Regex::new(r"^[0-9]+\.[0-9]+\.[0-9]+$").unwrap();
    let mut manifests = files("hack/tools", named("package.json"));
    manifests.push("tests/agui/package.json".into());
    for path in manifests {
        let manifest: Value = serde_json::from_str(&read(&path)).unwrap();
        for (name, version) in manifest["dependencies"].as_object().unwrap() {
            assert!(exact.is_match(version.as_str().unwrap()), "{}: {name} {version}", path.display());
        }
        let lock: Value = serde_json::from_str(&read(path.with_file_name("package-lock.json"))).unwrap();
        let packages = lock["packages"].as_object().unwrap();
        assert!(packages.len() > 1, "{}", path.display());
        for (name, package) in packages.iter().filter(|(name, _)| !name.is_empty()) {
            assert!(
                package["integrity"].as_str().is_some_and(|hash| hash.starts_with("sha512-")),
                "{name} has no checksum"
            );
        }
    }
}

#[test]
fn bug_22_every_go_module_has_its_checksum() {
    assert!(read("hack/cluster/tools.sh").contains("-mod=readonly"));
    for path in files("hack", named("go.mod")) {
        let (modules, sums) = (read(&path), read(path.with_file_name("go.sum")));
        let replaced: Vec<&str> = modules
            .lines()
            .filter_map(|line| line.split_once(" => ")?.0.split_whitespace().rev().find(|word| word.contains('/')))
            .collect();
        let required = modules.lines().filter_map(|line| {
            let mut words = line.trim().trim_start_matches("require ").split_whitespace();
            Some((words.next()?, words.next().filter(|version| version.starts_with('v'))?))
        });
        let mut count = 0;
        for (module, version) in required.filter(|(module, _)| !replaced.contains(module)) {
            assert!(sums.contains(&format!("{module} {version}")), "{}: {module} {version}", path.display());
            count += 1;
        }
        assert!(count > 0, "{}", path.display());
    }
}

#[test]
fn bug_22_the_image_is_built_with_the_compiler_that_the_tests_have() {
    let channel = Regex::new(r#"channel = "([0-9.]+)""#).unwrap();
    let channel = channel.captures(&read("rust-toolchain.toml")).unwrap()[1].to_owned();
    assert!(read("Dockerfile").contains(&format!("/rust:{channel}-bookworm ")), "{channel}");
}
