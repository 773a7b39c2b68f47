//! The forms of the output.

use std::{io::Write, process::Stdio};

use serde_json::Value;

use crate::rig::{Folder, session};

#[test]
fn text_shows_the_run_its_tools_and_its_outcome() {
    let folder = Folder::asking("echo hello world; tool");
    let said = folder.ambient(&["run", "s.yaml"]);
    for part in
        ["claude-agent-sdk", "✓ workspace", "▸ s-initial", "hello world", "⚙ ", "✓ Succeeded (Completed)", "continue"]
    {
        assert!(said.out.contains(part), "{part} in {}", said.out);
    }
    assert!(!said.out.contains('\u{1b}'), "no colours off a terminal");
}

#[test]
fn an_agents_control_characters_never_reach_the_terminal() {
    let folder = Folder::asking("echo a\u{1b}[2Jb\u{7}c");
    let said = folder.ambient(&["run", "s.yaml"]);
    assert!(said.out.contains("a[2Jbc"), "{:?}", said.out);
}

#[test]
fn json_is_a_list_of_the_objects_with_their_status() {
    let folder = Folder::asking("echo hi");
    let said = folder.ambient(&["run", "s.yaml", "-o", "json"]);
    let list: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(list["kind"], "List");
    assert_eq!(list["items"][0]["kind"], "AgenticSession");
    assert_eq!(list["items"][0]["status"]["runs"]["succeeded"], 1);
    let run = &list["items"][1];
    assert_eq!((&run["kind"], &run["status"]["phase"]), (&"Run".into(), &"Succeeded".into()));
    assert_eq!(run["status"]["result"], "hi");
    assert_eq!(run["status"]["conditions"][0]["type"], "Succeeded");
}

#[test]
fn yaml_is_the_same_list() {
    let folder = Folder::asking("echo hi");
    let json: Value = serde_json::from_str(&folder.ambient(&["run", "s.yaml", "-o", "json"]).out).unwrap();
    let yaml = folder.ambient(&["run", "s.yaml", "-o", "yaml"]).out;
    let yaml: Value = serde_saphyr::from_str(&yaml).unwrap();
    assert_eq!(yaml["items"][1], json["items"][1]);
}

#[test]
fn events_are_records_one_a_line() {
    let folder = Folder::asking("echo hi");
    let said = folder.ambient(&["run", "s.yaml", "-o", "events"]);
    let records: Vec<Value> = said.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(records[0]["event"]["type"], "RUN_STARTED");
    assert_eq!(records.last().unwrap()["event"]["type"], "RUN_FINISHED");
}

#[test]
fn a_manifest_may_come_from_standard_input() {
    let folder = Folder::new();
    let mut child = folder.command(&["run", "-"]).stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(session("echo from stdin").as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    assert!(String::from_utf8_lossy(&output.stdout).contains("from stdin"));
}

#[test]
fn files_of_the_manifest_are_in_the_workspace() {
    let folder = Folder::asking("echo hi");
    folder.write("s.yaml", &(session("echo hi") + "  files:\n    - path: a/b.txt\n      content: exact\n"));
    assert_eq!(folder.ambient(&["run", "s.yaml"]).code, Some(0));
    assert_eq!(folder.read(".ambient/s/workspace/a/b.txt"), "exact");
}
