//! Manifests: good ones are read, bad ones are refused with the place, the reason and the remedy of every mistake.

#[path = "support/manifest.rs"]
mod support;

use ambient::api::{
    defaults,
    manifest::{self, Resource, Source},
    run::{DesiredState, Input},
    session::{PermissionMode, RunnerType},
    validate::Place,
};
use support::{load, load_for, refused, run, session, session_of};

#[test]
fn every_example_is_good_on_a_laptop_and_in_a_cluster() {
    let mut count = 0;
    for path in std::fs::read_dir("examples").unwrap().map(|entry| entry.unwrap().path()) {
        if path.extension().is_some_and(|extension| extension == "yaml") {
            let text = std::fs::read_to_string(&path).unwrap();
            let source = [Source { name: path.to_str().unwrap(), text: &text }];
            for place in [Place::Laptop, Place::Cluster] {
                manifest::load(&source, place).unwrap_or_else(|errors| panic!("{errors}"));
            }
            count += 1;
        }
    }
    assert!(count >= 4, "there are {count} examples");
}

#[test]
fn all_examples_can_be_applied_together() {
    let names = ["hello", "fix-bug", "two-runs", "repo"];
    let texts = names.map(|name| std::fs::read_to_string(format!("examples/{name}.yaml")).unwrap());
    let sources = names.iter().zip(&texts).map(|(name, text)| Source { name, text });
    let manifests = manifest::load(&sources.collect::<Vec<_>>(), Place::Cluster).unwrap();
    assert_eq!(manifests.len(), 6);
}

#[test]
fn a_manifest_gets_the_defaults_of_the_api_server() {
    let session = session_of(&session("  llmSettings: {}\n  agent: {}\n  repos: [{url: 'https://h/p'}]"));
    let spec = session.spec;
    assert_eq!(spec.timeout, 300);
    let llm = spec.llm_settings.as_ref().unwrap();
    assert_eq!((llm.model.as_str(), llm.max_tokens), ("claude-sonnet-4-6", 4000));
    assert!((llm.temperature - 0.7).abs() < f64::EPSILON);
    assert_eq!(spec.agent.as_ref().unwrap().permission_mode, PermissionMode::AcceptEdits);
    assert_eq!((spec.repos[0].branch.as_deref(), spec.repos[0].auto_push), (None, false));
    assert_eq!(spec.runner_type(), Ok(RunnerType::ClaudeAgentSdk));
}

#[test]
fn a_session_needs_no_spec() {
    let text = "apiVersion: vteam.ambient-code/v1alpha1\nkind: AgenticSession\nmetadata: {name: s}\n";
    assert_eq!(session_of(text).spec.model(), defaults::MODEL);
}

#[test]
fn a_session_of_the_original_is_taken_as_it_is() {
    let session = session_of(&session(
        "  displayName: d\n  initialPrompt: p\n  timeout: 300\n  inactivityTimeout: 0\n  stopOnRunFinished: true
  userContext: {userId: u, displayName: name, groups: [g]}
  llmSettings: {model: claude-sonnet-4-6, temperature: 1, maxTokens: 4000}
  repos: [{url: 'https://git.example/web', branch: main, autoPush: true}]
  environmentVariables: {RUNNER_TYPE: claude-agent-sdk, RUNNER_STATE_DIR: .claude}
  mcpServers: {custom: {x: {command: run, args: [1, a]}}, disabled: [webfetch]}
  activeWorkflow: {gitUrl: 'https://git.example/flow', path: ''}",
    ));
    let servers = session.spec.mcp_servers.unwrap();
    assert_eq!(servers.custom["x"]["args"][0], 1);
    assert_eq!(session.spec.active_workflow.unwrap().branch, "main");
    assert_eq!(session.spec.user_context.unwrap().groups, ["g"]);
}

#[test]
fn what_a_cluster_adds_to_an_object_is_taken_and_means_nothing() {
    let text = "apiVersion: vteam.ambient-code/v1alpha1
kind: AgenticSession
metadata:
  name: s
  namespace: team
  labels: {a: b}
  uid: 0f8f
  resourceVersion: '5'
  creationTimestamp: 2026-01-01T00:00:00Z
  managedFields: [{manager: kubectl}]
spec: {timeout: 5}
status: {phase: Running, whatever: true}
";
    let session = session_of(text);
    assert_eq!((session.metadata.uid, session.status), (None, None));
    assert_eq!(session.metadata.labels.unwrap()["a"], "b");
}

#[test]
fn a_run_is_read_with_its_input_and_defaults() {
    let manifests = load(&run("r", "  prompt: hi")).unwrap();
    let Resource::Run(run) = &manifests[0].resource else { panic!("not a run") };
    assert_eq!(run.spec.input(), Some(Input::Prompt("hi")));
    assert_eq!(run.spec.desired_state, DesiredState::Running);
    assert_eq!((run.thread_id(), run.timeout_seconds()), ("s", 86_400));
    assert_eq!((manifests[0].file.as_str(), manifests[0].line), ("test.yaml", 4));
}

#[test]
fn a_run_answers_with_any_json() {
    let text = run(
        "r",
        "  resume:\n  - {interruptId: q1, payload: {db: postgres, n: [1, 2.5, null]}}\n  - interruptId: q2\n    status: cancelled",
    );
    let manifests = load(&text).unwrap();
    let Resource::Run(run) = &manifests[0].resource else { panic!("not a run") };
    let Some(Input::Answers(answers)) = run.spec.input() else { panic!("no answers") };
    assert_eq!(answers[0].payload, Some(serde_json::json!({"db": "postgres", "n": [1, 2.5, null]})));
}

#[test]
fn json_is_taken_too() {
    let text = "{\"apiVersion\": \"vteam.ambient-code/v1alpha1\",\n\t\"kind\": \"AgenticSession\",\n\t\"metadata\": {\"name\": \"s\"},\n\t\"spec\": {\"initialPrompt\": \"a \\u00e4 \\\"b\\\"\\n\"}}";
    assert_eq!(session_of(text).spec.initial_prompt.as_deref(), Some("a ä \"b\"\n"));
}

#[test]
fn empty_documents_and_comments_are_nothing() {
    assert_eq!(load("# nothing\n---\n---\n# more\n").unwrap(), []);
    assert_eq!(load("").unwrap(), []);
}

#[test]
fn anchors_and_aliases_are_read() {
    let text = session("  initialPrompt: &p hello\n  displayName: *p");
    assert_eq!(session_of(&text).spec.display_name.as_deref(), Some("hello"));
}

#[test]
fn a_field_that_is_empty_is_absent() {
    let session = session_of(&session("  displayName:\n  repos: null\n  timeout: ~"));
    assert_eq!((session.spec.display_name, session.spec.timeout), (None, 300));
}

#[test]
fn a_directory_is_a_repository_on_a_laptop_only() {
    let text = session("  repos: [{url: 'file:///srv/git/web'}]");
    assert!(load_for(&text, Place::Laptop).is_ok());
    let errors = load_for(&text, Place::Cluster).unwrap_err().to_string();
    assert!(errors.contains("a cluster cannot see your directories"), "{errors}");
}

#[test]
fn every_mistake_of_a_file_is_told_at_once_and_in_order() {
    let text = std::fs::read_to_string("tests/data/bad.yaml").unwrap();
    let found = refused(&text);
    let expected = std::fs::read_to_string("tests/data/bad.txt").unwrap();
    if std::env::var_os("AMBIENT_WRITE_GOLDEN").is_some() {
        std::fs::write("tests/data/bad.txt", &found).unwrap();
    }
    assert_eq!(found, expected, "if the new text is better: AMBIENT_WRITE_GOLDEN=1 cargo test --test manifests");
}

#[test]
fn mistakes_of_all_files_are_told_at_once() {
    let (one, two) = (session("  timeout: x"), run("r", ""));
    let sources = [Source { name: "one.yaml", text: &one }, Source { name: "two.yaml", text: &two }];
    let errors = manifest::load(&sources, Place::Laptop).unwrap_err();
    let files: Vec<&str> = errors.0.iter().map(|error| error.file.as_str()).collect();
    assert_eq!(files, ["one.yaml", "two.yaml"]);
}

#[test]
fn an_object_is_defined_once_also_in_several_files() {
    let text = run("r", "  prompt: p");
    let sources = [Source { name: "one.yaml", text: &text }, Source { name: "two.yaml", text: &text }];
    let errors = manifest::load(&sources, Place::Laptop).unwrap_err().to_string();
    assert!(errors.contains("two.yaml:4:9: metadata.name: Run r is defined already, in one.yaml:4"), "{errors}");
}

#[test]
fn an_initial_prompt_and_a_run_do_not_make_the_same_run() {
    let text = format!("{}---\n{}", session("  initialPrompt: p"), run("s-initial", "  prompt: p"));
    assert!(refused(&text).contains("Run s-initial is defined already"));
}

#[test]
fn a_url_with_a_token_is_refused_without_showing_it() {
    let text = session("  repos:\n  - url: https://me:hunter2@git.example/web");
    let errors = refused(&text);
    assert!(errors.contains("a URL must not carry a password or token"), "{errors}");
    assert!(!errors.contains("hunter2"), "{errors}");
}

#[test]
fn a_missing_parent_is_one_mistake_and_not_one_for_each_of_its_parts() {
    let text = "apiVersion: vteam.ambient-code/v1alpha1\nkind: AgenticSession\nspec: {initialPrompt: hi}\n";
    let errors = manifest::load(&[Source { name: "s.yaml", text }], Place::Laptop).unwrap_err();
    let said: Vec<String> = errors.0.iter().map(|error| error.path.clone()).collect();
    assert_eq!(said, ["metadata"]);
}
