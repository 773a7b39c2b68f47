//! What a run leaves behind: changed files, and the agent's own id of the conversation.

use serde_json::{Value, json};

use crate::{
    fake_claude::fake_claude,
    rig::{Folder, Said, session},
};

/// A session with two files of its manifest, whose agent does something to its workspace before it says a word.
fn agent_that(does: &str) -> Folder {
    let folder = Folder::new();
    let files = "  files:\n    - {path: edited.txt, content: '1'}\n    - {path: removed.txt, content: '1'}\n";
    let is = fake_claude().display().to_string();
    let variables = json!({ "AGENT_DOES": does, "AGENT_IS": is });
    folder.write("s.yaml", &(session("session") + files + &format!("  environmentVariables: {variables}\n")));
    folder
}

fn run(folder: &Folder, format: &str) -> Said {
    let agent = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/ambient_run/tampering-agent.sh");
    folder.ambient(&["run", "s.yaml", "-o", format, "--agent-command", agent])
}

const WORK: &str = "printf 2 >edited.txt; rm -f removed.txt; echo 1 >artifacts/report.md; echo 1 >file-uploads/given";

#[test]
fn the_summary_names_the_files_that_the_agent_changed() {
    let said = run(&agent_that(WORK), "text");
    let line = "    workspace  3 files changed: edited.txt, artifacts/report.md (new), removed.txt (deleted)\n";
    assert!(said.out.contains(line), "{}{}", said.out, said.err);
}

#[test]
fn that_nothing_changed_is_said_too() {
    let said = run(&agent_that("true"), "text");
    assert!(said.out.contains("    workspace  nothing changed\n"), "{}{}", said.out, said.err);
}

#[test]
fn the_status_of_the_run_has_the_files_in_every_form_of_output() {
    let files = json!({
        "count": 3, "added": ["artifacts/report.md"], "modified": ["edited.txt"], "deleted": ["removed.txt"],
    });
    let folder = agent_that(WORK);
    let list: Value = serde_json::from_str(&run(&folder, "json").out).unwrap();
    assert_eq!(list["items"][1]["status"]["files"], files);
    assert_eq!(folder.run("s-initial")["status"]["files"], files);
    let list: Value = serde_saphyr::from_str(&run(&agent_that(WORK), "yaml").out).unwrap();
    assert_eq!(list["items"][1]["status"]["files"], files);
    let events = run(&agent_that(WORK), "events").out;
    let outcome = events.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let outcome = outcome.map(|record| record["event"].clone()).find(|event| event["name"] == "ambient:outcome");
    assert_eq!(outcome.unwrap()["value"]["files"], files);
}

#[test]
fn the_session_remembers_the_agents_own_id_of_the_conversation() {
    let folder = Folder::asking("session");
    let first = id_in_status(&folder, &["run", "s.yaml", "-o", "json"]);
    let said = folder.run("s-initial")["status"]["result"].as_str().unwrap().to_owned();
    assert_eq!(said.split_whitespace().next(), Some(format!("session={first}").as_str()), "{said}");
    assert!(folder.read(".ambient/s/session.yaml").contains(&format!("sdkSessionId: {first}\n")));
    // A call that runs nothing keeps it.
    assert_eq!(id_in_status(&folder, &["run", "s.yaml", "-o", "json"]), first);
}

fn id_in_status(folder: &Folder, args: &[&str]) -> String {
    let said = folder.ambient(args);
    let list: Value = serde_json::from_str(&said.out).unwrap_or_else(|error| panic!("{error}: {}", said.err));
    list["items"][0]["status"]["sdkSessionId"].as_str().unwrap_or_else(|| panic!("{}", list["items"][0])).to_owned()
}

#[test]
fn a_session_starts_when_it_starts() {
    let folder = Folder::asking("sleep 1100");
    let list: Value = serde_json::from_str(&folder.ambient(&["run", "s.yaml", "-o", "json"]).out).unwrap();
    let time = |item: usize, name: &str| list["items"][item]["status"][name].as_str().unwrap().to_owned();
    assert!(time(0, "startTime") < time(1, "completionTime"), "{list}");
}
