//! The rules of sessions, runs and settings, each broken once: the message names the field, the mistake and the remedy.

#[path = "support/manifest.rs"]
mod support;

use support::{load, refused, run, session};

/// A text with one mistake, which is told like this.
#[track_caller]
fn breaks(text: &str, expected: &[&str]) {
    let errors = refused(text);
    for part in expected {
        assert!(errors.contains(part), "expected {part:?} in\n{errors}");
    }
    assert_eq!(errors.matches("error: ").count(), 1, "one mistake, one error:\n{errors}");
}

const API: &str = "url: https://git.example/api";

#[test]
fn repositories_have_urls_branches_and_folders_of_their_own() {
    let repos = |list: &str| session(&format!("  repos:\n{list}"));
    breaks(
        &repos("  - url: web"),
        &["spec.repos[0].url", "expected an https://, ssh:// or git@ URL", "e.g. https://git.example/web.git"],
    );
    breaks(&repos("  - url: /srv/web"), &["on this machine a directory is file:///srv/web"]);
    breaks(&repos("  - url: https://git.example/a%20b"), &["no usable folder name", "give the repository a name"]);
    breaks(
        &repos(&format!("  - {API}\n    branch: a..b")),
        &["spec.repos[0].branch", "a branch name that git accepts"],
    );
    breaks(&repos(&format!("  - {API}\n    name: ../x")), &["spec.repos[0].name", "found \"../x\""]);
    breaks(
        &repos(&format!("  - {API}\n  - url: git@other.example:api.git")),
        &["spec.repos[1].url", "spec.repos[0] has the folder name \"api\" already"],
    );
    breaks(&repos(&format!("  - {API}\n  - url: https://h/web\n    name: api")), &["spec.repos[1].name"]);
    assert!(load(&repos(&format!("  - {API}\n  - url: git@other.example:api.git\n    name: other"))).is_ok());
}

#[test]
fn the_main_repository_is_one_of_the_repositories() {
    let text = |main: &str| session(&format!("  repos:\n  - {API}\n  mainRepo: {main}"));
    breaks(&text("web"), &["spec.mainRepo", "found \"web\"", "known: api"]);
    assert!(load(&text("api")).is_ok());
    breaks(&session("  mainRepo: web"), &["spec.repos is empty"]);
}

#[test]
fn files_stay_in_the_workspace_and_do_not_overlap() {
    let files = |paths: &[&str]| {
        let file = |path: &&str| format!("\n  - {{path: {path}, content: x}}");
        let list: Vec<String> = paths.iter().map(file).collect();
        session(&format!("  files:{}", list.concat()))
    };
    for path in ["/etc/passwd", "../x", "a/../../x", "a//b", "./a"] {
        breaks(&files(&[path]), &["spec.files[0].path", "expected a path of a file inside the workspace"]);
    }
    breaks(&files(&["a/b", "a/b"]), &["spec.files[1].path", "given twice"]);
    breaks(&files(&["a", "a/b"]), &["spec.files[0].path", "this is a folder too: it holds \"a/b\""]);
    assert!(load(&files(&["a/b", "a/b.txt", "ab"])).is_ok());
}

#[test]
fn a_runner_is_named_once_and_a_replay_has_a_source() {
    breaks(&session("  runner: {type: replay}"), &["spec.runner:", "give both or neither"]);
    breaks(&session("  runner: {replay: {path: x}}"), &["spec.runner:", "give both or neither"]);
    breaks(
        &session("  environmentVariables: {RUNNER_TYPE: gemini-cli}"),
        &["there is no runner \"gemini-cli\"", "claude-agent-sdk"],
    );
    breaks(&session("  environmentVariables: {RUNNER_TYPE: replay}"), &["use spec.runner"]);
    breaks(
        &session(
            "  runner: {type: replay, replay: {path: x}}\n  environmentVariables: {RUNNER_TYPE: claude-agent-sdk}",
        ),
        &["spec.environmentVariables.RUNNER_TYPE", "spec.runner.type is replay", "leave the variable out"],
    );
}

#[test]
fn environment_variables_have_names_that_a_process_can_be_given() {
    breaks(&session("  environmentVariables: {1A: x}"), &["expected a variable name", "found \"1A\""]);
    breaks(&session("  environmentVariables: {A=B: x}"), &["found \"A=B\""]);
    breaks(&session("  environmentVariables: {A: \"x\\0y\"}"), &["NUL character"]);
    breaks(&session("  environmentVariables:\n    EMPTY:"), &["an empty string is \"\""]);
}

#[test]
fn a_workflow_is_a_folder_of_a_repository() {
    breaks(&session("  activeWorkflow: {gitUrl: flow}"), &["spec.activeWorkflow.gitUrl"]);
    breaks(&session("  activeWorkflow: {path: ../x}"), &["spec.activeWorkflow.path"]);
    assert!(load(&session("  activeWorkflow: {gitUrl: '', branch: '', path: ''}")).is_ok());
}

#[test]
fn a_run_says_one_thing_in_one_way() {
    breaks(&run("r", ""), &["spec:", "expected exactly one of prompt, messages and resume"]);
    breaks(&run("r", "  prompt: p\n  messages: [{role: user, content: c}]"), &["expected exactly one of"]);
    breaks(&run("r", "  prompt: ' '"), &["spec.prompt", "the prompt is empty"]);
    breaks(&run("r", "  messages: [{role: tool, content: c}]"), &["spec.messages[0]", "toolCallId names the call"]);
    breaks(&run("r", "  messages: [{role: system, content: c}]"), &["expected one of user or tool"]);
}

#[test]
fn a_question_is_answered_once_and_a_declined_one_not() {
    breaks(
        &run("r", "  resume: [{interruptId: q}, {interruptId: q}]"),
        &["spec.resume[1].interruptId", "answered twice"],
    );
    breaks(
        &run("r", "  resume: [{interruptId: q, status: cancelled, payload: 1}]"),
        &["spec.resume[0].payload", "leave the payload out"],
    );
}

#[test]
fn a_run_has_ids_that_can_be_part_of_a_url() {
    breaks(&run("r", "  prompt: p\n  runId: a/b"), &["spec.runId", "expected an id of letters"]);
    breaks(&run("r", "  prompt: p\n  threadId: .a"), &["spec.threadId"]);
    breaks(&run("r", "  prompt: p\n  parentRun: A"), &["spec.parentRun"]);
    breaks(&run("r", "  prompt: p\n  timeout: 0"), &["spec.timeout", "expected at least 1, found 0"]);
}

#[test]
fn settings_have_the_one_name_and_known_roles() {
    let settings = |name: &str, spec: &str| {
        format!(
            "apiVersion: vteam.ambient-code/v1alpha1\nkind: ProjectSettings\nmetadata: {{name: {name}}}\nspec: {spec}\n"
        )
    };
    let access = "{groupAccess: [{groupName: team-a, role: edit}], inactivityTimeoutSeconds: 3600}";
    assert!(load(&settings("projectsettings", access)).is_ok());
    breaks(&settings("mine", access), &["metadata.name must be projectsettings"]);
    breaks(&settings("projectsettings", "{}"), &["spec.groupAccess: this field is missing"]);
    breaks(
        &settings("projectsettings", "{groupAccess: [{groupName: a, role: owner}]}"),
        &["spec.groupAccess[0].role", "expected one of admin, edit or view, found \"owner\""],
    );
}

#[test]
fn where_a_session_works_is_checked_on_a_laptop_too() {
    breaks(&session("  workspace: {storageClassName: fast}"), &["spec.workspace", "persistence PersistentVolume"]);
    breaks(&session("  workspace: {size: 10 GB}"), &["spec.workspace.size", "10Gi"]);
    breaks(&session("  runner: {tolerations: [{value: a}]}"), &["spec.runner.tolerations[0]", "operator Exists"]);
    breaks(&session("  agent: {resources: {limits: {memory: 2gb}}}"), &["spec.agent.resources.limits.memory"]);
}
