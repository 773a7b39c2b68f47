//! The small verbs.

use ambient::api::{
    manifest::{self, Resource, Source},
    validate::Place,
};

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
fn what_init_leaves_commented_out_is_right_too() {
    let folder = Folder::new();
    assert_eq!(folder.ambient(&["init", "mine.yaml"]).code, Some(0));
    let text: Vec<String> = folder.read("mine.yaml").lines().map(uncommented).collect();
    let source = [Source { name: "mine.yaml", text: &text.join("\n") }];
    let manifests = manifest::load(&source, Place::Laptop).unwrap_or_else(|errors| panic!("{errors}"));
    let Resource::Session(session) = &manifests[0].resource else { panic!("a session") };
    assert!(session.spec.llm_settings.is_some() && session.spec.repos.len() == 1 && session.spec.agent.is_some());
    assert_eq!(session.spec.active_deadline_seconds, Some(3600));
}

/// A line of YAML that is commented out, without its mark; prose stays as it is.
fn uncommented(line: &str) -> String {
    let yaml = |rest: &str| {
        let word = rest.trim_start().trim_start_matches("- ").split(' ').next().unwrap_or_default();
        word.ends_with(':') && word.chars().all(|c| c.is_ascii_alphabetic() || c == ':')
    };
    match line.strip_prefix("  # ") {
        Some(rest) if yaml(rest) => format!("  {rest}"),
        _ => line.to_owned(),
    }
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
