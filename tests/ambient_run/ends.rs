//! Exit codes, and what people are told when something is wrong.

use crate::rig::{Folder, run, session};

#[test]
fn the_exit_code_is_that_of_the_first_run_that_did_not_succeed() {
    for (prompt, code, reason) in
        [("echo fine", 0, "Completed"), ("echo one; die", 6, "AgentCrashed"), ("error it broke", 4, "ProviderError")]
    {
        let folder = Folder::asking(prompt);
        let said = folder.ambient(&["run", "s.yaml"]);
        let status = &folder.run("s-initial")["status"];
        assert_eq!(status["outcome"]["reason"], reason, "{prompt}: {status}");
        assert_eq!(said.code, Some(code), "{prompt}: {}", said.out);
    }
}

#[test]
fn a_deadline_of_a_run_is_a_limit_of_ours() {
    let folder = Folder::new();
    folder.write("s.yaml", &(session("echo hi") + &run("r", "  prompt: hang\n  timeout: 1\n")));
    assert_eq!(folder.ambient(&["run", "s.yaml"]).code, Some(5));
    assert_eq!(folder.run("r")["status"]["outcome"]["reason"], "DeadlineExceeded");
}

#[test]
fn an_agent_that_is_not_installed_is_a_set_up_failure_with_a_remedy() {
    let folder = Folder::asking("echo hi");
    let said = folder.ambient(&["run", "s.yaml", "--agent-command", "no-such-cli"]);
    assert_eq!(said.code, Some(3));
    for part in ["no-such-cli", "npm install -g @anthropic-ai/claude-code", "--agent-command", "No Run has started"] {
        assert!(said.err.contains(part), "{part} in {}", said.err);
    }
    let again = folder.ambient(&["run", "s.yaml"]);
    assert_eq!(
        (again.code, &folder.run("s-initial")["status"]["phase"]),
        (Some(0), &"Succeeded".into()),
        "{}",
        again.err
    );
}

#[test]
fn an_agent_is_found_by_a_path_from_here() {
    let folder = Folder::asking("echo hi");
    std::os::unix::fs::symlink(crate::fake_claude::fake_claude(), folder.path("agent")).unwrap();
    let said = folder.ambient(&["run", "s.yaml", "--agent-command", "./agent"]);
    assert_eq!(said.code, Some(0), "{}{}", said.out, said.err);
}

#[test]
fn a_repository_that_is_not_there_is_named_with_its_field() {
    let folder = Folder::asking("echo hi");
    let spec = "  repos:\n    - url: file:///nowhere/at/all.git\n";
    folder.write("s.yaml", &(session("echo hi") + spec));
    let said = folder.ambient(&["run", "s.yaml"]);
    assert_eq!(said.code, Some(3), "{}", said.err);
    assert!(said.err.contains("all") && said.err.contains("spec.repos[0].url"), "{}", said.err);
}

#[test]
fn a_manifest_that_is_wrong_is_refused_with_its_place() {
    let folder = Folder::asking("echo hi");
    folder.write("s.yaml", &(session("echo hi") + "  repos:\n    - url: web\n      autopush: true\n"));
    let said = folder.ambient(&["run", "s.yaml"]);
    assert_eq!(said.code, Some(2));
    for part in ["s.yaml:8:", "spec.repos[0].url", "s.yaml:9:", "did you mean \"autoPush\"?"] {
        assert!(said.err.contains(part), "{part} in {}", said.err);
    }
    assert!(!folder.path(".ambient").exists(), "nothing is begun");
}

#[test]
fn files_that_are_not_there_are_named() {
    let folder = Folder::new();
    let said = folder.ambient(&["run", "missing.yaml"]);
    assert_eq!(said.code, Some(2));
    assert!(said.err.contains("missing.yaml"), "{}", said.err);
    std::fs::create_dir(folder.path("empty")).unwrap();
    for (args, told) in [
        (&["run", "empty"][..], "empty holds no .yaml"),
        (&["run", "-m", "hi"], "--dir"),
        (&["run", "--dir", "none", "-m", "hi"], "none holds no session"),
        (&["run", "nothing.yaml"], "nothing.yaml holds no manifest"),
        (&["run", "r.yaml"], ".ambient/s holds no session"),
    ] {
        folder.write("nothing.yaml", "# nothing\n");
        folder.write("r.yaml", &run("r", "  prompt: echo one\n"));
        let said = folder.ambient(args);
        assert_eq!(said.code, Some(2), "{args:?}");
        assert!(said.err.contains(told), "{args:?}: {}", said.err);
    }
    assert!(!folder.path("none").exists() && !folder.path(".ambient").exists(), "nothing is made");
}

#[test]
fn a_run_and_a_directory_belong_to_one_session() {
    let folder = Folder::asking("echo hi");
    folder.write("r.yaml", &run("r", "  prompt: echo one\n").replace("name: s\n", "name: other\n"));
    let said = folder.ambient(&["run", "s.yaml", "r.yaml"]);
    assert_eq!(said.code, Some(2));
    assert!(said.err.contains("Run r is of session other"), "{}", said.err);
    assert_eq!(folder.ambient(&["run", "s.yaml"]).code, Some(0));
    folder.write("t.yaml", &session("echo hi").replace("name: s\n", "name: t\n"));
    let said = folder.ambient(&["run", "t.yaml", "--dir", ".ambient/s"]);
    assert_eq!(said.code, Some(2));
    assert!(said.err.contains("holds session s"), "{}", said.err);
}
