//! git in a directory of the workspace. It runs where the agent runs: the agent may have changed the repository.

use std::path::PathBuf;

use serde::Serialize;

use super::{Content, ContentError, path};
use crate::workspace::{
    git::{
        agent_side::AgentGit,
        refname, remote,
        uncommitted::{Uncommitted, uncommitted},
        url::{self, RepoUrl},
    },
    reach::{Last, Missing, is_directory},
};

/// Where programs are, when the agent's side does not say.
const USUAL_PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// What `GET /content/git-status` tells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub(crate) enum GitStatus {
    /// No repository is there.
    None {
        initialized: bool,
        #[serde(rename = "hasChanges")]
        has_changes: bool,
    },
    /// One is.
    Repository(Box<Repository>),
}

/// A repository. The names are the original's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Repository {
    initialized: bool,
    has_changes: bool,
    branch: String,
    remote_url: String,
    has_remote: bool,
    files_added: u64,
    files_removed: u64,
    uncommitted_files: u64,
    total_added: u64,
    total_removed: u64,
}

impl From<Uncommitted> for Repository {
    fn from(seen: Uncommitted) -> Self {
        Self {
            initialized: true,
            has_changes: seen.files > 0,
            branch: seen.branch.unwrap_or_else(|| "HEAD".to_owned()),
            has_remote: seen.remote.is_some(),
            remote_url: seen.remote.unwrap_or_default(),
            files_added: seen.added,
            files_removed: seen.removed,
            uncommitted_files: seen.files,
            total_added: seen.lines_added,
            total_removed: seen.lines_removed,
        }
    }
}

/// A directory and what it is to git.
struct Directory {
    path: PathBuf,
    exists: bool,
    is_repository: bool,
}

impl Content {
    /// What is not committed in a directory; a directory that is missing is no repository.
    pub(crate) async fn git_status(&self, text: &str) -> Result<GitStatus, ContentError> {
        let directory = self.directory(text)?;
        if !directory.is_repository {
            return Ok(GitStatus::None { initialized: false, has_changes: false });
        }
        let _turn = self.turn().await?;
        let path = self.agent_path().await;
        let git = AgentGit::new(&*self.host, path, self.limits.git);
        let seen = uncommitted(&git, &directory.path).await?;
        Ok(GitStatus::Repository(Box::new(seen.into())))
    }

    /// The branches that the directory's remote had when it was last asked.
    pub(crate) async fn git_branches(&self, text: &str) -> Result<Vec<String>, ContentError> {
        let directory = self.directory(text)?;
        if !directory.exists {
            return Err(ContentError::NotFound { what: "directory", path: text.to_owned() });
        }
        if !directory.is_repository {
            return Err(ContentError::NoRepository(text.to_owned()));
        }
        let _turn = self.turn().await?;
        let path = self.agent_path().await;
        let git = AgentGit::new(&*self.host, path, self.limits.git);
        Ok(remote::branches(&git, &directory.path).await?)
    }

    /// Makes a URL the remote of a directory, which becomes a repository when it is none, and asks it for its branches as far
    /// as that is possible. The URL as it was stored.
    pub(crate) async fn configure_remote(&self, text: &str, url: &str, branch: &str) -> Result<RepoUrl, ContentError> {
        let url = self.checked_url(url)?;
        refname::check(branch)?;
        let directory = self.directory(text)?;
        if !directory.exists {
            return Err(ContentError::NoDirectory(text.to_owned()));
        }
        let _turn = self.turn().await?;
        let path = self.agent_path().await;
        let git = AgentGit::new(&*self.host, path.clone(), self.limits.git);
        remote::configure(&git, &directory.path, directory.is_repository, (&url, branch)).await?;
        let reaching = AgentGit::new(&*self.host, path, self.limits.fetch).reaching(self.urls);
        if let Err(error) = remote::fetch(&reaching, &directory.path).await {
            tracing::info!(remote = %url, %error, "the remote is set; its branches could not be fetched");
        }
        Ok(url)
    }

    fn checked_url(&self, text: &str) -> Result<RepoUrl, ContentError> {
        let parsed = url::parse(text, self.urls)?;
        if parsed.user.is_some() || parsed.credential.is_some() {
            return Err(ContentError::UrlWithSecret);
        }
        Ok(parsed.url)
    }

    fn directory(&self, text: &str) -> Result<Directory, ContentError> {
        let (path, root) = (path(text)?, self.open()?);
        let place = match root.reach(path.as_ref(), Missing::Refuse, Last::Follow) {
            Err(crate::workspace::beneath::BeneathError::NotFound { .. }) => {
                return Ok(Directory { path: PathBuf::new(), exists: false, is_repository: false });
            }
            place => place.map_err(|error| ContentError::beneath("directory", error))?,
        };
        let stat = place.stat().map_err(|error| ContentError::beneath("directory", error))?;
        let exists = stat.as_ref().is_some_and(is_directory);
        let path = self.absolute(place.path());
        let is_repository = exists && std::fs::symlink_metadata(path.join(".git")).is_ok();
        Ok(Directory { path, exists, is_repository })
    }

    async fn turn(&self) -> Result<tokio::sync::SemaphorePermit<'_>, ContentError> {
        self.git.acquire().await.map_err(|_| ContentError::Stopping)
    }

    /// The `PATH` of the place where git runs.
    async fn agent_path(&self) -> std::ffi::OsString {
        let variables = self.host.environment().await.unwrap_or_default();
        let path = variables.into_iter().find_map(|(name, value)| (name == "PATH").then_some(value));
        path.unwrap_or_else(|| USUAL_PATH.into())
    }
}
