//! The runner that the contract is played against: the one of `CONTRACT_URL`, or one of our own with the fake CLI.

use std::collections::BTreeMap;

use crate::{
    git_server::GitServer,
    play::{Scenario, Target},
    rig::{Runner, Session},
};

const TOKEN: &str = "contract-token";

/// What is played against, and what keeps it there.
pub(crate) struct Subject {
    pub(crate) target: Target,
    /// It is not ours.
    pub(crate) is_foreign: bool,
    own: Option<Own>,
}

struct Own {
    runner: Runner,
    git: GitServer,
    _session: Session,
}

impl Subject {
    pub(crate) async fn find() -> Self {
        let given = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let (url, token, own) = if let Some(url) = given("CONTRACT_URL") {
            (url.trim_end_matches('/').to_owned(), given("CONTRACT_TOKEN"), None)
        } else {
            let (url, own) = start().await;
            (url, Some(TOKEN.to_owned()), Some(own))
        };
        let mut values = BTreeMap::from([("session".to_owned(), session(&url).await)]);
        // Ids that no earlier play against the same runner has used.
        values.insert("unique".to_owned(), format!("{:x}", std::time::UNIX_EPOCH.elapsed().unwrap().as_millis()));
        let repository = own.as_ref().map(|own| own.git.url("project")).or_else(|| given("CONTRACT_GIT"));
        values.extend(repository.map(|git| ("git".to_owned(), git)));
        Self { target: Target { url, token, values }, is_foreign: own.is_none(), own }
    }

    /// What our runner holds at most, in bytes.
    pub(crate) fn memory(&self) -> u64 {
        let pid = self.own.as_ref().map_or(0, |own| own.runner.pid());
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.split_whitespace().next()?.parse().ok());
        peak.map_or(0, |kib: u64| kib * 1024)
    }

    /// The first thing that a scenario needs and this target lacks.
    pub(crate) fn left_out<'a>(&self, scenario: &'a Scenario) -> Option<&'a str> {
        scenario.needs.iter().find(|need| !self.target.values.contains_key(*need)).map(String::as_str)
    }
}

async fn session(url: &str) -> String {
    let health = reqwest::get(format!("{url}/health")).await.expect("the runner answers /health");
    let health: serde_json::Value = health.json().await.expect("/health is JSON");
    health["session_id"].as_str().expect("/health names the session").to_owned()
}

async fn start() -> (String, Own) {
    let git = GitServer::start().await;
    git.repository("project", &[("README.md", "# A project\n")]);
    let session =
        Session::new().env("AGUI_TOKEN", TOKEN).env("AGUI_HOST", "127.0.0.1").env("AMBIENT_CLONE_HTTP", "true");
    let runner = session.start();
    (runner.url.clone(), Own { runner, git, _session: session })
}
