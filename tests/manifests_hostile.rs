//! Manifests that trick, overload or leak: each is refused in a bounded time, and no secret is shown.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/manifest.rs"]
mod support;

use std::time::Duration;

use proptest::prelude::*;
use support::{load, refused, run, session};

/// The text is refused, saying this, soon.
#[track_caller]
fn is_refused(text: &str, saying: &str) {
    let began = cpu_time();
    let errors = refused(text);
    let took = cpu_time().saturating_sub(began);
    assert!(errors.contains(saying), "{}", &errors[..errors.len().min(2000)]);
    assert!(took < Duration::from_secs(20), "took {took:?}");
    assert!(errors.len() < 100_000, "{} bytes of errors", errors.len());
}

/// How long this thread has been on a CPU: on a busy machine a clock would blame the text for others' work.
fn cpu_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(stat.split(' ').next().unwrap().parse().unwrap())
}

#[test]
fn aliases_that_multiply_are_refused() {
    let level = |level: usize| {
        let before = if level == 0 { "x".to_owned() } else { format!("*a{}", level - 1) };
        let list = vec![before; 10].join(", ");
        format!("\n      a{level}: &a{level} {{k: [{list}]}}")
    };
    let levels: Vec<String> = (0..12).map(level).collect();
    let text = format!("  mcpServers:\n    custom:{}", levels.concat());
    is_refused(&session(&text), "aliases repeat more than");
}

#[test]
fn an_alias_of_what_it_is_part_of_is_refused() {
    is_refused(&session("  mcpServers: {custom: {a: &a {b: *a}}}"), "part of");
    is_refused(&session("  displayName: *nothing"), "anchor");
}

#[test]
fn deep_nesting_is_refused() {
    is_refused(&"[".repeat(100_000), "recursion limit exceeded");
    is_refused(&"[".repeat(100), "nested deeper than 64 levels");
    is_refused(&session(&format!("  mcpServers: {}{}", "{custom: ".repeat(5000), "}".repeat(5000))), "nested deeper");
    let lines: Vec<String> = (0..200).map(|depth| " ".repeat(depth) + "a:\n").collect();
    is_refused(&lines.concat(), "nested deeper");
}

#[test]
fn huge_files_are_refused() {
    is_refused(&"x".repeat(5_000_000), "at most 4194304 are read");
    is_refused(&"- a\n".repeat(150_000), "more than 100000 values");
    is_refused(&session(&"  unknown: 1\n".repeat(40_000)), "more errors");
}

#[test]
fn an_object_that_no_cluster_would_store_is_refused() {
    let text = session(&format!("  initialPrompt: {}", "x".repeat(1_100_000)));
    is_refused(&text, "larger than 1 MiB");
    is_refused(&run("r", &format!("  prompt: {}", "x".repeat(600_000))), "at most 524288 characters");
}

#[test]
fn values_that_kubectl_reads_otherwise_are_refused() {
    for (value, help) in [
        ("1.0", "put it in quotes: \"1.0\""),
        ("on", "put it in quotes: \"on\""),
        ("NO", "kubectl reads it as false"),
        ("1_000", "kubectl reads it as a number"),
        ("true", "found the truth value true"),
        ("0x1f", "found the number 0x1f"),
    ] {
        is_refused(&session(&format!("  displayName: {value}")), help);
    }
    is_refused(&session("  timeout: 0300"), "kubectl reads it as an octal number");
    is_refused(&session("  timeout: 300.0"), "expected a whole number");
    is_refused(&session("  stopOnRunFinished: yes"), "write true");
    assert!(load(&session("  displayName: '1.0'\n  initialPrompt: \"on\"")).is_ok());
}

#[test]
fn yaml_that_means_nothing_here_is_refused() {
    is_refused(&session("  <<: {timeout: 5}"), "merge keys are not part of YAML 1.2");
    is_refused(&session("  displayName: !secret x"), "has no meaning here");
    is_refused(&session("  displayName: !!int x"), "not what its tag says");
    is_refused(&session("  ? [a, b]\n  : c"), "expected a field name");
    is_refused("just text", "expected an object with apiVersion");
    is_refused("a: b: c", "test.yaml:1:");
    is_refused(&session("  displayName: \"open"), "test.yaml:");
}

#[test]
fn other_kinds_and_versions_are_named() {
    is_refused("apiVersion: v1\nkind: Pod\n", "there is no kind \"Pod\" here");
    is_refused("apiVersion: v1\nkind: AgenticSessions\n", "did you mean \"AgenticSession\"?");
    is_refused("apiVersion: vteam.ambient-code/v1\nkind: Run\n", "expected \"vteam.ambient-code/v1alpha1\"");
    is_refused("kind: Run\n", "write apiVersion: vteam.ambient-code/v1alpha1");
    is_refused("apiVersion: vteam.ambient-code/v1alpha1\n", "kind: this field is missing");
}

#[test]
fn secrets_are_not_shown_wherever_the_mistake_is() {
    let secret = "tok-4b7e";
    for spec in [
        format!("  environmentVariables:\n    KEY: {secret}\n    OTHER: 5"),
        format!("  environmentVariables: [{secret}]"),
        format!("  environmentVariables: {secret}\n  timeout: x"),
        format!("  mcpServers:\n    custom:\n      a:\n        env: {{KEY: {secret}}}\n        env: {{}}"),
        format!("  mcpServers: {{custom: {{a: {{headers: {{Authorization: {secret}}}}}}}}}\n  timeout: x"),
        format!("  environmentVariables:\n    KEY: |\n      {secret}\n      {secret}\n  timeout: x"),
        format!("  environmentVariables:\n    KEY: \"{secret}\n  timeout: x"),
        format!("  environmentVariables: {{RUNNER_TYPE: x, KEY: {secret}}}"),
        format!("  repos:\n  - url: https://x:{secret}@git.example/web\n    bad: 1"),
        format!("  mcpServers:\n    custom: {{a: &a {{x: {secret}}}}}\n  environmentVariables: *a\n  timeout: x"),
    ] {
        let errors = refused(&session(&spec));
        assert!(!errors.contains(secret), "{errors}");
    }
}

#[test]
fn an_excerpt_cannot_move_a_terminals_cursor() {
    let errors = refused(&session("  displayName: 5 # \u{85}\u{9b}31m\n"));
    assert!(!errors.contains(|c: char| c.is_control() && c != '\n'), "{errors:?}");
}

#[test]
fn a_long_line_is_shown_around_the_mistake() {
    let errors = refused(&session(&format!("  userContext: {{displayName: {}, groups: 5}}", "x".repeat(5000))));
    assert!(errors.lines().all(|line| line.chars().count() < 200), "{errors}");
    let (mistake, caret) = (errors.find("groups: 5").unwrap(), errors.find('^').unwrap());
    assert!(mistake < caret);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_read_or_refused(text in "[a-z:\\-\\[\\]{}&*!|>'\"#%@,? \n\t0-9]{0,80}") {
        let _ = load(&text).map_err(|errors| errors.to_string());
        let _ = load(&session(&format!("  {text}"))).map_err(|errors| errors.to_string());
    }

    #[test]
    fn a_caret_stands_below_its_line(text in "[a-zA-Z:\\-\\[\\]{}'\" \n0-9ä漢]{0,80}") {
        for error in load(&session(&format!("  {text}"))).err().into_iter().flat_map(|errors| errors.0) {
            let excerpt = error.excerpt.unwrap();
            let length = excerpt.lines.last().map_or(0, |(_, line)| line.chars().count());
            prop_assert!(excerpt.offset <= length && excerpt.length >= 1);
            prop_assert!(excerpt.offset + excerpt.length <= length + 1);
        }
    }
}
