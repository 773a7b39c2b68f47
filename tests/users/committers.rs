//! Commits are those of the person whose run is going.

use crate::{
    backend::{Backend, Mood},
    people::{ALICE, BOB, Person, left, session},
    rig::Session,
};

const HOUR: Mood = Mood::Well { seconds: 3600 };

/// A session without settings of git but the platform's.
fn bare(backend: &Backend) -> Session {
    session(backend)
}

/// Commits in a repository of its own, and says who that was.
fn commit(file: &str, before: &str) -> String {
    format!(
        "sh git init -q {file}.git && cd {file}.git && {before} git commit -q --allow-empty -m x 2> ../{file}.why\n\
         git log -1 --format='%an|%ae|%cn|%ce' > ../{file} 2>&1"
    )
}

#[tokio::test]
async fn bug_21_commits_carry_the_persons_name_and_address_and_no_settings_are_written() {
    let backend = Backend::start(HOUR).await;
    let session = bare(&backend);
    let runner = session.start();
    ALICE.run(&runner, "t", "r1", &commit("a", "")).await;
    BOB.run(&runner, "t", "r2", &commit("b", "")).await;
    ALICE.run(&runner, "u", "r3", &commit("c", "")).await;
    let of = |name: &str| format!("{name} of GitHub|{name}@example.org|{name} of GitHub|{name}@example.org\n");
    for (file, person) in [("a", "alice"), ("b", "bob"), ("c", "alice")] {
        assert_eq!(left(&session, file), of(person), "{}", left(&session, &format!("{file}.why")));
    }
    assert_eq!(backend.asked().len(), 2, "{:?}", backend.asked());
    assert!(!session.path(".gitconfig").exists());
    assert!(!left(&session, "a.git/.git/config").contains("user"), "the repository's settings are its own");
}

#[tokio::test]
async fn the_settings_of_a_repository_and_of_the_command_win() {
    let backend = Backend::start(HOUR).await;
    let session = bare(&backend);
    let runner = session.start();
    let own = "git config user.name Repo && git config user.email repo@example.org &&";
    ALICE.run(&runner, "t", "r1", &commit("a", own)).await;
    assert!(left(&session, "a").starts_with("Repo|repo@example.org|"), "{}", left(&session, "a"));
    ALICE.run(&runner, "t", "r2", &commit("b", "export GIT_AUTHOR_NAME=Given &&")).await;
    assert!(left(&session, "b").starts_with("Given|alice@example.org|alice of GitHub|"), "{}", left(&session, "b"));
}

#[tokio::test]
async fn hooks_and_what_else_commits_inside_of_git_are_the_persons_too() {
    let backend = Backend::start(HOUR).await;
    let session = bare(&backend);
    let runner = session.start();
    let script = "sh git init -q r && cd r && git commit -q --allow-empty -m one && \
        printf '#!/bin/sh\\ngit notes add -m noted HEAD\\n' > .git/hooks/post-commit && chmod +x .git/hooks/post-commit && \
        git commit -q --allow-empty -m two && git log -1 --format=%an refs/notes/commits > ../noted && \
        git -C . tag -a -m t v1 && git for-each-ref --format='%(taggername)' refs/tags > ../tagged";
    BOB.run(&runner, "t", "r1", script).await;
    assert_eq!(
        (left(&session, "noted").as_str(), left(&session, "tagged").as_str()),
        ("bob of GitHub\n", "bob of GitHub\n")
    );
}

#[tokio::test]
async fn a_hostile_name_changes_nothing_but_the_name() {
    let evil = r#"{"token": "t-0123456789", "userName": "Eve\n[core]\n\tpager = touch pwned <x@y>\\", "email": "eve@example.org"}"#;
    let backend = Backend::start(Mood::Says(200, evil.to_owned())).await;
    let session = bare(&backend);
    let runner = session.start();
    ALICE.run(&runner, "t", "r1", &commit("a", "")).await;
    let said = left(&session, "a");
    assert!(said.starts_with("Eve[core]pager = touch pwned x@y"), "{said}{}", left(&session, "a.why"));
    assert!(said.contains("|eve@example.org|"), "{said}");
}

#[tokio::test]
async fn who_has_no_account_commits_as_the_platform_and_nobody_does_while_it_cannot_be_asked() {
    for (mood, author, why) in [
        (Mood::Says(404, String::new()), "Ambient Code Bot|bot@ambient-code.local|", ""),
        (Mood::Says(200, "{\"token\": \"t-0123456789\"}".to_owned()), "Ambient Code Bot|bot@ambient-code.local|", ""),
        (Mood::Says(503, String::new()), "", "the backend answers HTTP 503; try again"),
    ] {
        let backend = Backend::start(mood).await;
        let session = bare(&backend);
        let runner = session.start();
        // Git must not make somebody up from the name of this machine.
        let strict = "git config user.useConfigOnly true &&";
        ALICE.run(&runner, "t", "r1", &commit("a", strict)).await;
        let (said, told) = (left(&session, "a"), left(&session, "a.why"));
        assert!(told.contains(why), "{told}");
        let is_right =
            if author.is_empty() { said.contains("does not have any commits") } else { said.starts_with(author) };
        assert!(is_right, "{said} {told}");
    }
}

#[tokio::test]
async fn git_that_makes_no_commits_asks_nobody() {
    let backend = Backend::start(Mood::Silent).await;
    let session = bare(&backend);
    let runner = session.start();
    Person("carol").run(&runner, "t", "r1", "sh git init -q r && cd r && git status > ../a && git log 2> ../b").await;
    assert!(left(&session, "a").contains("No commits yet"), "{}", left(&session, "a"));
    assert_eq!(backend.asked().len(), 0);
}
