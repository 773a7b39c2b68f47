//! The small verbs.

use crate::rig::Folder;

#[test]
fn init_writes_a_manifest_that_runs() {
    let folder = Folder::new();
    assert_eq!(folder.ambient(&["init", "mine.yaml", "--name", "mine"]).code, Some(0));
    let said = folder.ambient(&["run", "mine.yaml"]);
    assert_eq!(said.code, Some(0), "{}{}", said.out, said.err);
    assert!(folder.read("mine.yaml").contains("name: mine"));
}

#[test]
fn init_leaves_an_existing_file_alone() {
    let folder = Folder::new();
    folder.write("mine.yaml", "precious");
    let said = folder.ambient(&["init", "mine.yaml"]);
    assert_eq!(said.code, Some(2));
    assert_eq!(folder.read("mine.yaml"), "precious");
}

#[test]
fn crds_prints_what_the_repository_holds() {
    let said = Folder::new().ambient(&["crds"]);
    for kind in ["AgenticSession", "Run", "ProjectSettings"] {
        assert!(said.out.contains(&format!("kind: {kind}\n")), "{kind}");
    }
}

#[test]
fn help_teaches_with_examples() {
    let folder = Folder::new();
    for verb in [&["--help"][..], &["run", "--help"], &["runner", "--help"], &["agent", "--help"], &["init", "--help"]]
    {
        let said = folder.ambient(verb);
        assert_eq!(said.code, Some(0));
        assert!(said.out.contains("Example"), "{verb:?}: {}", said.out);
    }
}

#[test]
fn completions_and_the_manual_are_printed() {
    let folder = Folder::new();
    for shell in ["bash", "zsh", "fish"] {
        assert!(folder.ambient(&["completions", shell]).out.contains("ambient"), "{shell}");
    }
    assert!(folder.ambient(&["man"]).out.contains(".TH"));
}
