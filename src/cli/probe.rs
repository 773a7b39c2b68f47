//! What a turn left in the workspace: the repositories by git, on the agent's side, and the other files by comparison.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use crate::{
    api::run::{FileChanges, GitState},
    host::{AgentHost, BoxFuture},
    runner::probe::{Left, WorkspaceProbe},
    workspace::{
        Current, Hydrated, HydratedRepo,
        changes::{Bounds, Changes, Snapshot, compare},
        git::{agent_side::AgentGit, status},
        layout::{REPOS, UPLOADS, WORKFLOWS},
    },
};

/// How long git may look at one repository, and we at the other files.
const LOOK: Duration = Duration::from_secs(10);

/// Git tells of repositories, and the rest is given to the agent.
const NOT_THE_AGENTS: [&str; 3] = [REPOS, WORKFLOWS, UPLOADS];

/// The most bytes of the names of changed files in a run's events.
const MAX_NAMES: usize = 16 * 1024;

/// Looks at a workspace after each turn.
pub(super) struct Probe {
    host: Arc<dyn AgentHost>,
    current: Arc<Current>,
    files: Option<Files>,
}

impl Probe {
    /// Looks at the repositories of a workspace; changes are counted from where the session began.
    pub(super) fn of_repos(current: Arc<Current>, host: Arc<dyn AgentHost>) -> Self {
        Self { host, current, files: None }
    }

    /// Looks at the other files too; changes are counted from now on, and then from one turn to the next.
    pub(super) async fn and_files(self, hydrated: &Hydrated) -> Self {
        Self { files: Some(Files::now(hydrated.layout.root()).await), ..self }
    }

    async fn look(&self, repo: &HydratedRepo) -> Option<GitState> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let git = AgentGit::new(&*self.host, path, LOOK);
        let seen = status::status(&git, &repo.name, &repo.path, repo.base_commit.as_deref()).await;
        let seen =
            seen.inspect_err(|error| tracing::warn!(repo = %repo.name, %error, "its state is not known")).ok()?;
        let small = |count: u64| u32::try_from(count).unwrap_or(u32::MAX);
        Some(GitState {
            name: seen.name,
            branch: seen.branch,
            head: seen.head,
            dirty: seen.dirty > 0,
            ahead: small(seen.ahead),
            pushed: seen.pushed,
            files_changed: small(seen.changed_count),
        })
    }
}

impl WorkspaceProbe for Probe {
    fn after_turn(&self) -> BoxFuture<'_, Left> {
        Box::pin(async {
            let current = self.current.get();
            let looks = current.repos.iter().map(|repo| self.look(repo));
            let git = futures_util::future::join_all(looks).await.into_iter().flatten().collect();
            let files = match &self.files {
                Some(files) => files.since_last().await,
                None => None,
            };
            Left { git, files }
        })
    }
}

/// The files of a workspace as they were when they were last looked at.
struct Files {
    root: PathBuf,
    last: Mutex<Option<Snapshot>>,
}

impl Files {
    async fn now(root: &Path) -> Self {
        Self { root: root.to_owned(), last: Mutex::new(snapshot(root).await) }
    }

    /// What changed since the last look; nothing when one of the two could not be had.
    async fn since_last(&self) -> Option<FileChanges> {
        let now = snapshot(&self.root).await?;
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let changes = last.as_ref().map(|last| told(compare(last, &now)));
        *last = Some(now);
        changes
    }
}

async fn snapshot(root: &Path) -> Option<Snapshot> {
    let root = root.to_owned();
    let walk = tokio::task::spawn_blocking(move || Snapshot::take(&root, &NOT_THE_AGENTS, Bounds::default()));
    match tokio::time::timeout(LOOK, walk).await {
        Ok(Ok(Ok(snapshot))) => Some(snapshot),
        Ok(Ok(Err(error))) => {
            tracing::warn!(%error, "the workspace could not be read; which files change is not known");
            None
        }
        Ok(Err(_)) | Err(_) => {
            tracing::warn!("looking at the workspace took too long; which files change is not known");
            None
        }
    }
}

fn told(changes: Changes) -> FileChanges {
    let Changes { added, modified, deleted, count, truncated } = changes;
    let count = u32::try_from(count).unwrap_or(u32::MAX);
    FileChanges { count, added, modified, deleted, truncated }.within(MAX_NAMES)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn each_look_tells_what_changed_since_the_one_before() {
        let root = tempfile::tempdir().unwrap();
        let write = |path: &str| {
            let path = root.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "x").unwrap();
        };
        write("there");
        let files = Files::now(root.path()).await;
        for path in ["artifacts/report.md", "file-uploads/given.pdf", "repos/web/a", "workflows/w/b"] {
            write(path);
        }
        let first = files.since_last().await.unwrap();
        assert_eq!((first.count, first.added), (1, vec!["artifacts/report.md".to_owned()]));
        std::fs::remove_file(root.path().join("there")).unwrap();
        let second = files.since_last().await.unwrap();
        assert_eq!((second.count, second.deleted), (1, vec!["there".to_owned()]));
    }

    #[tokio::test]
    async fn a_workspace_that_is_gone_tells_nothing() {
        let root = tempfile::tempdir().unwrap();
        let files = Files::now(root.path()).await;
        root.close().unwrap();
        assert_eq!(files.since_last().await, None);
    }
}
