//! The files of the workspace, as the platform's user interface reads and writes them.
//!
//! An agent has been in there: every path is walked without following a link out, and git runs where the agent runs.

mod base64;
mod error;
mod file;
mod front_matter;
mod git;
pub mod json;
mod list;
mod number;
mod text;
mod workflow;
mod write;

use std::{
    path::{Path, PathBuf},
    str::FromStr,
    sync::Arc,
    time::Duration,
};

use tokio::sync::Semaphore;

pub use error::ContentError;
pub use file::Download;
pub(crate) use git::GitStatus;
pub use list::{Item, Listing};
pub(crate) use workflow::Metadata;

use crate::{
    host::AgentHost,
    workspace::{
        beneath::Root,
        git::url::UrlPolicy,
        paths::{self, PathError, RelativePath},
    },
};

/// What requests may cost.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// The largest body of a write, in bytes.
    pub body: u64,
    /// How many entries of a directory are listed.
    pub entries: usize,
    /// How long a client may send nothing in the middle of a body.
    pub patience: Duration,
    /// How long one git command may take.
    pub git: Duration,
    /// How long a remote may take to answer.
    pub fetch: Duration,
}

impl Default for Limits {
    /// 256 MiB, 10,000 entries, 60 s, 10 s and 20 s.
    fn default() -> Self {
        Self {
            body: 256 << 20,
            entries: 10_000,
            patience: Duration::from_mins(1),
            git: Duration::from_secs(10),
            fetch: Duration::from_secs(20),
        }
    }
}

/// How many requests may have git at work at the same time; the others wait.
const GIT_AT_ONCE: usize = 4;

/// Tells the folder of the workflow that is active.
pub type ActiveWorkflow = Box<dyn Fn() -> Option<PathBuf> + Send + Sync>;

/// The workspace behind `/content/*`.
pub struct Content {
    root: PathBuf,
    host: Arc<dyn AgentHost>,
    urls: UrlPolicy,
    limits: Limits,
    git: Semaphore,
    active: ActiveWorkflow,
}

impl Content {
    /// The files below `root`; git runs on `host`, and remotes may be what `urls` allows.
    pub fn new(root: PathBuf, host: Arc<dyn AgentHost>, urls: UrlPolicy, limits: Limits) -> Self {
        // Links that an agent makes name the place as it really is.
        let root = std::fs::canonicalize(&root).unwrap_or(root);
        Self { root, host, urls, limits, git: Semaphore::new(GIT_AT_ONCE), active: Box::new(|| None) }
    }

    /// The same, told which workflow is active; where none is, it is looked for.
    #[must_use]
    pub fn following(self, active: ActiveWorkflow) -> Self {
        Self { active, ..self }
    }

    fn open(&self) -> Result<Root, ContentError> {
        Root::open(&self.root).map_err(|source| ContentError::Workspace { path: self.root.clone(), source })
    }

    fn absolute(&self, below: &Path) -> PathBuf {
        self.root.join(below)
    }
}

/// Reads a path of a request. Leading slashes mean the workspace, as in the paths that listings tell; nothing means the
/// workspace itself.
fn path(text: &str) -> Result<Option<RelativePath>, ContentError> {
    let text = text.trim_start_matches('/');
    if text.split('/').all(|name| matches!(name, "" | ".")) && text.len() <= paths::MAX_PATH {
        return Ok(None);
    }
    RelativePath::from_str(text).map(Some).map_err(|error| match error {
        PathError::Parent => ContentError::LeadsOut,
        error => ContentError::Path(error),
    })
}

/// Runs what may take a while beside the event loop.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ContentError> + Send + 'static,
) -> Result<T, ContentError> {
    tokio::task::spawn_blocking(work).await.map_err(|_| ContentError::Stopping)?
}
