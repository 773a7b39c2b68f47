//! `runner.type: replay`: a recording instead of an agent.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde_json::{Value, json};

use crate::rig::{Folder, Said, session};

const EXAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/replay.yaml");

fn plays(recording: &Path) -> String {
    format!("  runner: {{type: replay, replay: {{path: {}}}}}\n", recording.display())
}

#[test]
fn the_example_plays_its_recording_without_an_agent() {
    let folder = Folder::new();
    let said = folder.ambient(&["run", EXAMPLE, "--agent-command", "/no/such/agent"]);
    assert_eq!(said.code, Some(0), "{}{}", said.out, said.err);
    let lines = [
        "replay  replay · busy-provider.jsonl · ./.ambient/replay",
        "    … provider busy (529), retry 1 of 10 in 1 s",
        "    I run the tests.",
        "⚙ Bash   make test",
        "    There is no target `test` in the Makefile.",
        "✓ Succeeded (Completed)",
        "2 turns · 1.8k in / 36 out · <$0.01",
    ];
    let places: Vec<_> = lines.iter().map(|line| said.out.find(line)).collect();
    assert!(places.is_sorted() && places[0].is_some(), "{places:?} in {}", said.out);
}

#[test]
fn a_recording_without_a_further_turn_ends_the_run_with_that_reason() {
    let folder = Folder::new();
    let more = fs::read_to_string(EXAMPLE).unwrap().replace("recordings/", &recordings())
        + "---\napiVersion: vteam.ambient-code/v1alpha1\nkind: Run\nmetadata: {name: more}\nspec:\n  sessionRef: {name: replay}\n  prompt: x\n";
    folder.write("more.yaml", &more);
    let said = folder.ambient(&["run", "more.yaml"]);
    assert_eq!(said.code, Some(1), "{}{}", said.out, said.err);
    assert!(said.out.contains("✗ Failed (AgentError)") && said.out.contains("no further turn"), "{}", said.out);
}

fn recordings() -> String {
    concat!(env!("CARGO_MANIFEST_DIR"), "/examples/recordings/").to_owned()
}

#[test]
fn what_was_recorded_is_played_with_the_same_events() {
    let folder = Folder::asking("echo one two; tool; echo three");
    let recorded = folder.ambient(&["run", "s.yaml", "--record", "made", "-o", "events"]);
    assert_eq!(recorded.code, Some(0), "{}", recorded.err);
    let made: Vec<PathBuf> = fs::read_dir(folder.path("made")).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(made.len(), 1, "one process, one file: {made:?}");
    let again = Folder::new();
    again.write("s.yaml", &(session("anything") + &plays(&made[0])));
    let played = again.ambient(&["run", "s.yaml", "-o", "events"]);
    assert_eq!(told(&played), told(&recorded));
}

/// What the agent said and did, without ids and times.
fn told(said: &Said) -> Vec<(String, String)> {
    let of_agent = |record: Value| {
        let event = &record["event"];
        let kind = event["type"].as_str()?.to_owned();
        let text = ["delta", "content", "toolCallName"].iter().find_map(|name| event[*name].as_str())?;
        let platform = text.starts_with("The workspace ");
        (!platform).then(|| (kind, text.to_owned()))
    };
    let told: Vec<_> = said.out.lines().filter_map(|line| of_agent(serde_json::from_str(line).unwrap())).collect();
    assert!(told.len() > 4, "{}{}", said.out, said.err);
    told
}

#[test]
fn a_recording_is_found_beside_its_manifest_from_anywhere_and_later() {
    let folder = Folder::new();
    for name in ["manifests", "elsewhere"] {
        fs::create_dir(folder.path(name)).unwrap();
    }
    fs::copy(recordings() + "busy-provider.jsonl", folder.path("manifests/a.jsonl")).unwrap();
    folder.write("manifests/s.yaml", &(session("x") + &plays(Path::new("a.jsonl"))));
    assert_eq!(folder.ambient(&["run", "manifests/s.yaml"]).code, Some(0));
    let mut later = folder.command(&["run", "--dir", "../.ambient/s", "-m", "again"]);
    let said: Said = later.current_dir(folder.path("elsewhere")).output().unwrap().into();
    assert_eq!(said.code, Some(0), "{}{}", said.out, said.err);
}

#[test]
fn a_recording_that_is_missing_or_none_is_refused_with_its_name() {
    let folder = Folder::new();
    folder.write("bad.jsonl", "{\"at_ms\":0,\"line\":{}}\nno json\n");
    for (file, told) in [("missing.jsonl", "No such file"), ("bad.jsonl", "line 2")] {
        folder.write("s.yaml", &(session("x") + &plays(Path::new(file))));
        let said = folder.ambient(&["run", "s.yaml"]);
        assert_eq!(said.code, Some(3), "{}", said.err);
        assert!(said.err.contains(file) && said.err.contains(told), "{}", said.err);
    }
}

/// A session that plays these lines.
fn playing(lines: &[Value]) -> Folder {
    let folder = Folder::new();
    let lines: Vec<String> = lines.iter().map(|line| json!({ "at_ms": 0, "line": line }).to_string()).collect();
    folder.write("played.jsonl", &lines.join("\n"));
    folder.write("s.yaml", &(session("x") + &plays(Path::new("played.jsonl"))));
    folder
}

#[test]
fn a_key_that_is_refused_comes_with_a_remedy() {
    let refused = json!({ "type": "result", "is_error": true, "api_error_status": 401, "result": "Invalid API key" });
    let folder = playing(&[refused]);
    let said = folder.ambient(&["run", "s.yaml"]);
    assert_eq!(said.code, Some(3), "{}{}", said.out, said.err);
    for part in ["✗ Failed (AuthFailed)", "Invalid API key", "Set ANTHROPIC_API_KEY"] {
        assert!(said.out.contains(part), "{part} in {}", said.out);
    }
}

#[test]
fn a_question_that_nobody_is_there_to_answer_is_shown_with_its_id() {
    let questions = json!([{ "question": "Which database?", "header": "DB", "multiSelect": false, "options": [] }]);
    let call =
        json!({ "type": "tool_use", "id": "q1", "name": "AskUserQuestion", "input": { "questions": questions } });
    let input =
        json!({ "tool_use_id": "q1", "tool_name": "AskUserQuestion", "tool_input": { "questions": questions } });
    let folder = playing(&[
        json!({ "type": "assistant", "parent_tool_use_id": null, "message": { "id": "m", "content": [call] } }),
        json!({ "type": "control_request", "request_id": "r", "request":
            { "subtype": "hook_callback", "callback_id": "defer", "input": input } }),
        json!({ "type": "result", "is_error": false, "result": "" }),
    ]);
    let said = folder.ambient(&["run", "s.yaml"]);
    assert_eq!(said.code, Some(7), "{}{}", said.out, said.err);
    assert!(said.out.contains("? Which database?  (answer q1 in a Run's spec.resume"), "{}", said.out);
    let again = folder.ambient(&["run", "s.yaml"]);
    assert_eq!(again.code, Some(7), "{}", again.out);
    assert!(again.out.contains("nothing to run: s-initial WaitingForInput; answer it"), "{}", again.out);
}
