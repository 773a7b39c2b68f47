//! Getting repositories and workflows into a workspace that an agent is at work in.
//!
//! git runs beside us, with credentials, in a directory that the agent cannot see; what it made is then moved into the workspace in
//! one step. So a failure leaves nothing behind, and nothing of the agent's is ever run here.

use std::{
    os::fd::AsFd,
    path::{Path, PathBuf},
    time::Duration,
};

use super::{
    beneath::{BeneathError, Root},
    error::HydrateError,
    git::{
        clone::CloneJob,
        command::{GitEnv, GitSettings},
        credentials::Credentials,
        failure::RepoFailure,
        progress::Phase,
        url::{ParsedUrl, UrlPolicy},
    },
    hydrate,
    hydrated::HydratedRepo,
    layout::{self, Layout, REPOS, WORKFLOWS},
    paths::RelativePath,
    plan,
    spec::Limits,
    tree,
    workflow::{About, ActiveWorkflow, WorkflowSource, disarm},
};

/// Folders of the same name before a workflow's is given up.
const MAX_SAME_NAME: usize = 100;

/// Clones for a running session.
#[derive(Debug)]
pub struct Fetch {
    git: GitSettings,
    layout: Layout,
    staging: PathBuf,
    /// The longest that one git command may take.
    deadline: Duration,
}

/// What to clone.
#[derive(Clone, Copy)]
pub struct Wanted<'a> {
    /// Its folder, as [`check_name`] allows it.
    pub name: &'a str,
    /// From where.
    pub url: &'a ParsedUrl,
    /// The branch or tag to start from; absent: the remote's default branch.
    pub branch: Option<&'a str>,
    /// The branch to check out; made when the remote lacks it.
    pub working_branch: &'a str,
    /// Tokens by host.
    pub credentials: &'a Credentials,
    /// Told what git is doing, and how far it is in that, of 100.
    pub progress: &'a (dyn Fn(Phase, u8) + Send + Sync),
}

/// Why nothing was fetched; nothing was changed either.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The clone failed. Its message says what to do.
    #[error(transparent)]
    Clone(Box<RepoFailure>),
    /// The workflow's folder is not in its repository, or its description cannot be used. The user must act.
    #[error("{0}")]
    Workflow(String),
    /// Something in the workspace has the name already. The user must act.
    #[error("{0} is there already and is not a repository of this session; remove it first, or choose another name")]
    Occupied(String),
    /// The system refused it.
    #[error("{0}: {1}; check the volume's space and permissions")]
    Io(String, std::io::Error),
}

/// Whether a text can be the name of a repository's folder. The error says what to write.
pub fn check_name(name: &str) -> Result<(), String> {
    plan::check_name(name)
}

impl Fetch {
    /// Prepares for a workspace, and deletes what an interrupted clone left behind.
    pub fn prepare(
        layout: &Layout,
        data_dir: &Path,
        urls: UrlPolicy,
        deadline: Duration,
    ) -> Result<Self, HydrateError> {
        let failed = |path: &Path, error| layout::failed(path, error);
        let private = std::path::absolute(data_dir).map_err(|error| failed(data_dir, error))?.join("workspace");
        hydrate::make_private(&private).map_err(|error| failed(&private, error))?;
        let staging = private.join("staging");
        let _ = std::fs::remove_dir_all(&staging);
        layout::directory(&staging, 0o700).map_err(|error| failed(&staging, error))?;
        for name in [REPOS, WORKFLOWS] {
            // The agent's side may have made the folder unreadable; then there is nothing of ours to delete.
            let _ = tree::folder(layout.root(), name).and_then(|folder| tree::sweep(folder.as_fd()));
        }
        let git = GitSettings {
            env: GitEnv::from_process(),
            urls,
            home: private.clone(),
            askpass: private.join("askpass"),
            low_speed: Limits::default().low_speed,
        };
        Ok(Self { git, layout: layout.clone(), staging, deadline })
    }

    /// Clones a repository into `repos/`.
    pub async fn repository(&self, wanted: Wanted<'_>) -> Result<HydratedRepo, FetchError> {
        let staged = Staged::new(&self.staging)?;
        let (base, base_commit) = self.clone(&staged, wanted).await?;
        self.place(staged, wanted.name.to_owned(), REPOS, wanted.name.to_owned()).await?;
        Ok(HydratedRepo {
            name: wanted.name.to_owned(),
            path: self.layout.repo(wanted.name),
            url: wanted.url.url.to_string(),
            base: Some(base),
            base_commit,
            branch: Some(wanted.working_branch.to_owned()),
            auto_push: false,
            fresh: true,
        })
    }

    /// Clones a workflow's repository, and puts its folder into `workflows/`, where nobody may write. One that is there stays: a turn may
    /// be at work in it.
    pub async fn workflow(
        &self,
        wanted: Wanted<'_>,
        path: Option<&RelativePath>,
    ) -> Result<ActiveWorkflow, FetchError> {
        let staged = Staged::new(&self.staging)?;
        self.clone(&staged, wanted).await?;
        let clone = staged.0.join(wanted.name);
        if let Some(branch) = wanted.branch
            && !["remotes/origin", "tags"].iter().any(|kind| has_ref(&clone, &format!("refs/{kind}/{branch}")))
        {
            let message = format!("the repository has no branch or tag {branch:?}; correct branch");
            return Err(FetchError::Workflow(message));
        }
        let (about, part) = cut_out(&clone, path).map_err(FetchError::Workflow)?;
        let from = format!("{}{part}", wanted.name);
        let name = self.free_name(wanted.name)?;
        self.place(staged, from, WORKFLOWS, name.clone()).await?;
        let source = WorkflowSource {
            git_url: wanted.url.url.to_string(),
            branch: wanted.branch.unwrap_or_default().to_owned(),
            path: path.map(ToString::to_string).unwrap_or_default(),
        };
        Ok(ActiveWorkflow { source, directory: self.layout.root().join(WORKFLOWS).join(name), about })
    }

    /// Clones a repository to where git on the agent's side can read it, until it is taken back.
    pub async fn lend(&self, wanted: Wanted<'_>) -> Result<Lent, FetchError> {
        let staged = Staged::new(&self.staging)?;
        let (_, commit) = self.clone(&staged, wanted).await?;
        let on_remote = has_ref(&staged.0.join(wanted.name), &format!("refs/remotes/origin/{}", wanted.working_branch));
        let name = tree::scratch_name();
        self.place(staged, wanted.name.to_owned(), REPOS, name.clone()).await?;
        Ok(Lent { path: self.layout.repo(&name), name, on_remote, is_empty: commit.is_none() })
    }

    /// Takes a clone back. Failing that, the next start sweeps it away.
    pub async fn take_back(&self, lent: Lent) {
        if let Err(error) = self.remove(&lent.name).await {
            tracing::warn!(%error, "a clone that is not needed any more stays until the next start");
        }
    }

    /// Takes a folder out of `repos/`. False: there was none.
    pub async fn remove(&self, name: &str) -> Result<bool, FetchError> {
        let (root, name) = (self.layout.root().to_owned(), name.to_owned());
        let shown = self.layout.repo(&name).display().to_string();
        let work = move || tree::folder(&root, REPOS).and_then(|folder| tree::remove(folder.as_fd(), &name));
        blocking(work).await.map_err(|error| FetchError::Io(shown, error))
    }

    async fn clone(&self, staged: &Staged, wanted: Wanted<'_>) -> Result<(String, Option<String>), FetchError> {
        let credential = wanted.credentials.choose(wanted.url);
        let job = CloneJob {
            name: wanted.name,
            field: "body",
            url: &wanted.url.url,
            credential: credential.as_ref(),
            credentials: wanted.credentials,
            branch: wanted.branch,
            working_branch: wanted.working_branch,
            identity: None,
            into: &staged.0,
            deadline: self.deadline,
        };
        let cloned = Box::pin(job.run(&self.git, wanted.progress)).await;
        let cloned = cloned.map_err(|failure| FetchError::Clone(Box::new(failure)))?;
        Ok((cloned.base, cloned.commit))
    }

    async fn place(&self, staged: Staged, from: String, area: &'static str, to: String) -> Result<(), FetchError> {
        let root = self.layout.root().to_owned();
        let shown = root.join(area).join(&to).display().to_string();
        let work = move || {
            // What is wrong with the folder itself says nothing of the name.
            let folder = tree::folder(&root, area).map_err(std::io::Error::other)?;
            let from = Path::new(&from);
            let parent = staged.0.join(from.parent().unwrap_or(Path::new("")));
            let name = from.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            tree::move_in(&parent, name, folder.as_fd(), &to)?;
            if area == WORKFLOWS {
                let placed = super::beneath::openat_directory(folder.as_fd(), to.as_ref())?;
                tree::set_writable(placed.as_fd(), false)?;
            }
            Ok(())
        };
        blocking(work).await.map_err(|error| match error.raw_os_error().map(rustix::io::Errno::from_raw_os_error) {
            Some(rustix::io::Errno::NOTEMPTY | rustix::io::Errno::EXIST | rustix::io::Errno::NOTDIR) => {
                FetchError::Occupied(shown)
            }
            _ => FetchError::Io(shown, error),
        })
    }

    fn free_name(&self, name: &str) -> Result<String, FetchError> {
        let folder = self.layout.root().join(WORKFLOWS);
        let free = |name: &String| folder.join(name).symlink_metadata().is_err();
        let numbered = (2..MAX_SAME_NAME).map(|number| format!("{name}-{number}"));
        let found = std::iter::once(name.to_owned()).chain(numbered).find(free);
        found.ok_or_else(|| FetchError::Occupied(folder.join(name).display().to_string()))
    }
}

/// The workflow's folder in a clone, without git's own data; what it says of itself, and where it is.
fn cut_out(clone: &Path, path: Option<&RelativePath>) -> Result<(About, String), String> {
    let root = Root::open(clone).map_err(|error| error.to_string())?;
    let (folder, part) = match path {
        None => (clone.to_owned(), String::new()),
        Some(path) => {
            root.directory(path).map_err(|error| match error {
                BeneathError::NotFound { .. } => format!("the repository has no folder {path}; correct path"),
                other => format!("path: {other}"),
            })?;
            (clone.join(path), format!("/{path}"))
        }
    };
    if path.is_none() {
        std::fs::remove_dir_all(clone.join(".git")).map_err(|error| error.to_string())?;
    }
    disarm(&folder).map_err(|error| error.to_string())?;
    let about = About::read(&Root::open(&folder).map_err(|error| error.to_string())?)?;
    Ok((about, part))
}

/// Whether the remote has this reference; a fresh clone has the remote's in one file.
fn has_ref(clone: &Path, wanted: &str) -> bool {
    let packed = std::fs::read_to_string(clone.join(".git/packed-refs")).unwrap_or_default();
    packed.lines().filter_map(|line| line.split_once(' ')).any(|(_, reference)| reference == wanted)
}

/// A clone that the agent's side may read.
#[derive(Debug)]
pub struct Lent {
    /// Where it is.
    pub path: PathBuf,
    /// The remote has the branch that was wanted.
    pub on_remote: bool,
    /// The remote has no commit.
    pub is_empty: bool,
    name: String,
}

/// A directory of our own; deleted when it is dropped.
struct Staged(PathBuf);

impl Staged {
    fn new(staging: &Path) -> Result<Self, FetchError> {
        let path = staging.join(uuid::Uuid::new_v4().simple().to_string());
        let made = layout::directory(&path, 0o700);
        made.map_err(|error| FetchError::Io(path.display().to_string(), error))?;
        Ok(Self(path))
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        // What stays is deleted at the next start.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> std::io::Result<T> + Send + 'static) -> std::io::Result<T> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|panic| Err(std::io::Error::other(panic)))
}
