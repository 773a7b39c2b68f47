//! Tokens: who gets them, and everywhere they must not be.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed expectation fails the test")]

#[path = "support/bare.rs"]
mod bare;
#[path = "support/git_server.rs"]
mod git_server;
#[path = "support/workspace.rs"]
mod workspace;

use std::{os::unix::fs::PermissionsExt, path::Path};

use ambient::workspace::git::credentials::{Credentials, TokenPlace};
use git_server::{Behaviour, GitServer};
use workspace::Bench;

const TOKEN: &str = "s3cr3t-t0ken-of-the-test";

async fn private_server() -> GitServer {
    let server = GitServer::start().await;
    server.repository("web", &[("a", "1")]);
    server.treat("web", Behaviour::Private { user: "bot".into(), password: TOKEN.into() });
    server
}

fn with_token(bench: &mut Bench, server: &GitServer) {
    let host = server.address.to_string();
    bench.plan.credentials = Credentials::default().host(&host, "bot", TOKEN);
}

#[tokio::test]
async fn a_private_repository_is_cloned_with_the_token_of_its_host() {
    let server = private_server().await;
    let mut bench = Bench::new("s");
    bench.clone_of(&server.url("web"));
    with_token(&mut bench, &server);

    bench.hydrate().await.unwrap();

    assert!(bench.root().join("repos/web/a").exists());
    assert!(!server.seen().authorizations.is_empty());
}

#[tokio::test]
async fn the_token_is_in_no_command_line_and_in_no_file() {
    let server = private_server().await;
    let mut bench = Bench::new("s");
    bench.clone_of(&server.url("web"));
    with_token(&mut bench, &server);

    bench.hydrate().await.unwrap();

    let lines = server.seen().command_lines;
    assert!(lines.iter().any(|line| line.contains("git clone") || line.contains("remote-http")), "git was running");
    assert!(!lines.iter().any(|line| line.contains(TOKEN)));
    let found = files_with(bench.outside(), TOKEN.as_bytes());
    assert_eq!(found, Vec::<String>::new());
}

#[tokio::test]
async fn only_the_process_that_clones_has_the_token_in_its_environment() {
    let server = private_server().await;
    let mut bench = Bench::new("s");
    bench.clone_of(&server.url("web"));
    with_token(&mut bench, &server);
    let log = git_that_logs(&mut bench);
    bench.vars.push(("ANTHROPIC_API_KEY".into(), "sk-other".into()));

    bench.hydrate().await.unwrap();

    let log = std::fs::read_to_string(log).unwrap();
    let (with, without): (Vec<_>, Vec<_>) = log.split("== ").skip(1).partition(|run| run.contains(TOKEN));
    assert_eq!(with.len(), 1, "{log}");
    assert!(with[0].lines().next().unwrap().contains(" clone "));
    assert!(without.len() >= 2, "{log}");
    assert!(!log.contains("sk-other"), "nothing but the allowed variables is passed on");
}

#[tokio::test]
async fn a_token_in_the_url_is_used_and_stored_nowhere() {
    let server = private_server().await;
    let mut bench = Bench::new("s");
    bench.clone_of(&server.url("web").replace("http://", &format!("http://bot:{TOKEN}@")));

    let done = bench.hydrate().await.unwrap();

    assert_eq!(done.repos[0].url, server.url("web"));
    let remote = bare::git(&done.repos[0].path, &["remote", "get-url", "origin"]);
    assert_eq!(remote, server.url("web"));
    assert_eq!(files_with(bench.outside(), TOKEN.as_bytes()), Vec::<String>::new());
    assert!(!server.seen().command_lines.iter().any(|line| line.contains(TOKEN)));
}

#[tokio::test]
async fn a_wrong_token_is_refused_with_a_remedy_and_not_repeated() {
    let server = private_server().await;
    let mut bench = Bench::new("s");
    bench.clone_of(&server.url("web").replace("http://", "http://bot:wr0ng-t0ken@"));
    bench.plan.credentials = Credentials::default().added_in(TokenPlace::Secret("my-secret".into()));

    let error = bench.hydrate().await.unwrap_err().to_string();

    assert!(error.contains("not found or no access (git: \"Authentication failed"), "{error}");
    assert!(error.ends_with(&format!("or add a token for {} to Secret my-secret.", server.address)), "{error}");
    let told = format!("{:?}", bench.progress());
    assert!(!error.contains("wr0ng") && !told.contains("wr0ng"));
}

#[tokio::test]
async fn a_private_repository_without_a_token_does_not_wait_for_a_person() {
    let server = private_server().await;
    let mut bench = Bench::new("s");
    bench.clone_of(&server.url("web"));

    let error = bench.hydrate().await.unwrap_err().to_string();

    assert!(error.contains("not found or no access"), "{error}");
}

#[tokio::test]
async fn a_redirect_to_another_host_does_not_get_the_token() {
    let good = private_server().await;
    let thief = private_server().await;
    // The same machine, but another authority.
    let elsewhere = format!("http://{}", thief.address);
    good.treat("web", Behaviour::Redirect(elsewhere));
    let mut bench = Bench::new("s");
    bench.clone_of(&good.url("web"));
    with_token(&mut bench, &good);

    bench.hydrate().await.unwrap_err();

    assert!(!thief.seen().requests.is_empty(), "git followed the redirect");
    assert_eq!(thief.seen().authorizations, Vec::<String>::new());
}

#[tokio::test]
async fn the_directory_of_the_askpass_program_is_ours_alone() {
    let bench = Bench::new("s");

    bench.hydrate().await.unwrap();

    let private = bench.plan.data_dir.join("workspace");
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&private), 0o700);
    assert_eq!(mode(&private.join("askpass")), 0o700);
}

/// A `git` in front of the real one that notes its arguments and its environment.
fn git_that_logs(bench: &mut Bench) -> std::path::PathBuf {
    let bin = bench.outside().join("bin");
    let log = bench.plan.data_dir.join("git.log");
    std::fs::create_dir_all(&bin).unwrap();
    std::fs::create_dir_all(&bench.plan.data_dir).unwrap();
    let path = std::env::var("PATH").unwrap();
    let script =
        format!("#!/bin/sh\n{{ echo \"== $* \"; env; }} >> '{}'\nPATH='{path}' exec git \"$@\"\n", log.display());
    std::fs::write(bin.join("git"), script).unwrap();
    std::fs::set_permissions(bin.join("git"), std::fs::Permissions::from_mode(0o755)).unwrap();
    bench.vars.retain(|(name, _)| name != "PATH");
    bench.vars.push(("PATH".into(), format!("{}:{path}", bin.display())));
    log
}

fn files_with(directory: &Path, needle: &[u8]) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let entry = entry.unwrap();
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            found.extend(files_with(&entry.path(), needle));
        } else if kind.is_file() {
            let content = std::fs::read(entry.path()).unwrap();
            if content.windows(needle.len()).any(|window| window == needle) {
                found.push(entry.path().display().to_string());
            }
        }
    }
    found
}
