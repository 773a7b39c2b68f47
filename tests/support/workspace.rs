//! A workspace in a temporary directory, with what hydration told.

#![allow(dead_code, reason = "each test file uses its own part")]

use std::{
    path::{Path, PathBuf},
    sync::Mutex,
    time::Duration,
};

use ambient::workspace::{
    HydrateError, Hydrated, Progress, RepoSpec, WorkspacePlan,
    git::{command::GitEnv, url::UrlPolicy},
    hydrate::hydrate_with,
};

pub(crate) struct Bench {
    pub(crate) plan: WorkspacePlan,
    /// What git's environment is chosen from.
    pub(crate) vars: Vec<(String, String)>,
    told: Mutex<Vec<Progress>>,
    directory: tempfile::TempDir,
}

impl Bench {
    /// A session whose URLs may be http and file.
    pub(crate) fn new(session: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let at = directory.path();
        let mut plan = WorkspacePlan::new(session, at.join("workspace"), at.join("data"));
        plan.urls = UrlPolicy { http: true, file: true };
        Self { plan, vars: std::env::vars().collect(), told: Mutex::default(), directory }
    }

    pub(crate) fn root(&self) -> PathBuf {
        self.plan.root.clone()
    }

    /// The directory above the workspace.
    pub(crate) fn outside(&self) -> &Path {
        self.directory.path()
    }

    pub(crate) fn clone_of(&mut self, url: &str) -> &mut RepoSpec {
        self.plan.repos.push(RepoSpec { url: url.to_owned(), ..RepoSpec::default() });
        self.plan.repos.last_mut().unwrap()
    }

    pub(crate) async fn hydrate(&self) -> Result<Hydrated, HydrateError> {
        let vars = self.vars.iter().map(|(name, value)| (name.into(), value.into()));
        let env = GitEnv::from_vars(vars);
        hydrate_with(&self.plan, env, &|told| {
            self.told.lock().unwrap().push(told);
        })
        .await
    }

    pub(crate) fn progress(&self) -> Vec<Progress> {
        self.told.lock().unwrap().clone()
    }
}

/// Waits until something is so, at most 20 s.
pub(crate) async fn until(condition: impl Fn() -> bool) {
    for _ in 0..2000 {
        if condition() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("it did not come true within 20 s");
}

/// The command lines of all processes.
pub(crate) fn command_lines() -> Vec<String> {
    let processes = std::fs::read_dir("/proc").unwrap();
    let read = |entry: std::io::Result<std::fs::DirEntry>| std::fs::read(entry.ok()?.path().join("cmdline")).ok();
    processes.filter_map(read).map(|line| String::from_utf8_lossy(&line).replace('\0', " ")).collect()
}
