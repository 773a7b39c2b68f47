//! `/repos/*` and `/workflow` as clients meet them: a real runner, real git over HTTP, the fake agent CLI and the real one.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a rig that does not work fails its test")]

#[path = "../support/bare.rs"]
mod bare;
#[path = "../support/claude.rs"]
mod claude;
#[path = "../support/fake_claude.rs"]
mod fake_claude;
#[path = "../support/git_server.rs"]
mod git_server;
#[path = "../support/model.rs"]
mod model;
#[path = "../support/needs.rs"]
mod needs;
#[path = "../runner/rig.rs"]
#[allow(dead_code, reason = "each test binary uses its part")]
mod rig;

mod add;
mod branch;
mod bugs;
mod next_turn;
mod own_files;
mod progress;
mod refuse;
mod workflow;

use serde_json::Value;

use crate::{
    git_server::GitServer,
    rig::{Runner, Session, text},
};

/// A session whose clones may come from a server of this machine.
pub(crate) fn session() -> Session {
    Session::new().env("AMBIENT_CLONE_HTTP", "true")
}

/// A server with a repository `web`, whose branch `next` has another file.
pub(crate) async fn server() -> GitServer {
    let server = GitServer::start().await;
    let web = server.repository("web", &[("readme.md", "of main")]);
    web.commit("next", &[("next.md", "of next")]);
    server
}

/// Posts, and takes the status and the body.
pub(crate) async fn post(runner: &Runner, path: &str, body: &Value) -> (u16, Value) {
    let response = runner.post(path, body).await;
    (response.status().as_u16(), response.json().await.unwrap())
}

/// What `/repos/status` says.
pub(crate) async fn status(runner: &Runner) -> Vec<Value> {
    let body: Value = runner.get("/repos/status").await.json().await.unwrap();
    body["repos"].as_array().unwrap().clone()
}

/// The conversation that the fake CLI is in.
pub(crate) async fn conversation(runner: &Runner, run: &str) -> String {
    tell(runner, run, "session").await.split(' ').next().unwrap().to_owned()
}

/// What the fake CLI answers to one command.
pub(crate) async fn tell(runner: &Runner, run: &str, command: &str) -> String {
    text(&runner.run(run, command).await)
}
