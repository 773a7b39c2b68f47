//! What a workspace should hold, as plain data. The caller makes it of a manifest, or of the runner's environment.

use std::{path::PathBuf, time::Duration};

use super::git::{credentials::Credentials, url::UrlPolicy};

/// Everything that [`super::hydrate::hydrate`] needs to know.
#[derive(Debug, Clone)]
pub struct WorkspacePlan {
    /// The session's name; the working branch is `ambient/<session>`.
    pub session: String,
    /// The workspace: `/workspace`, or a directory of a laptop. Made when missing.
    pub root: PathBuf,
    /// The agent's state (`RUNNER_STATE_DIR`), made when missing.
    pub state_dir: Option<PathBuf>,
    /// Ours alone and outside of the workspace: what was done, the askpass program.
    pub data_dir: PathBuf,
    /// Who may write in the workspace.
    pub access: Access,
    /// Repositories to clone.
    pub repos: Vec<RepoSpec>,
    /// The repository that the agent starts in; default: the first.
    pub main_repo: Option<MainRepo>,
    /// Small files to write, after the clones.
    pub files: Vec<FileSpec>,
    /// Tokens by host.
    pub credentials: Credentials,
    /// The author of commits made in the clones; absent: whatever git finds.
    pub identity: Option<Identity>,
    /// Transports beyond https and ssh.
    pub urls: UrlPolicy,
    /// Deadlines and bounds.
    pub limits: Limits,
}

impl WorkspacePlan {
    /// An empty workspace with the defaults of a laptop.
    #[must_use]
    pub fn new(session: &str, root: impl Into<PathBuf>, data_dir: impl Into<PathBuf>) -> Self {
        Self {
            session: session.to_owned(),
            root: root.into(),
            state_dir: None,
            data_dir: data_dir.into(),
            access: Access::default(),
            repos: Vec::new(),
            main_repo: None,
            files: Vec::new(),
            credentials: Credentials::default(),
            identity: None,
            urls: UrlPolicy::default(),
            limits: Limits::default(),
        }
    }
}

/// A repository of `spec.repos[]`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RepoSpec {
    /// The directory below `repos/`; default: the last part of the URL without `.git`.
    pub name: Option<String>,
    /// The clone URL. A token in it is used as credential and stored nowhere.
    pub url: String,
    /// The branch or tag that the working branch starts from; default: the remote's default branch. A branch that the remote
    /// lacks is made from the default branch.
    pub branch: Option<String>,
    /// Whether the agent is asked to push its work.
    pub auto_push: bool,
}

/// A file of `spec.files[]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileSpec {
    /// Below the workspace.
    pub path: String,
    /// The exact content.
    pub content: String,
}

/// How the main repository is named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MainRepo {
    /// `mainRepo`, `MAIN_REPO_NAME`
    Name(String),
    /// `MAIN_REPO_INDEX`, from 0
    Index(usize),
}

/// The author of commits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// `user.name`
    pub name: String,
    /// `user.email`
    pub email: String,
}

/// Who may write in the workspace's directories.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Access {
    /// The user that we are, as the umask says.
    #[default]
    Private,
    /// Every user of the pod: the four directories of the layout and the one of the agent's state (not what is in them) get mode
    /// 777, as MCP servers and agents may run as other users. Clones keep their modes: git would see every file as modified.
    Shared,
}

/// Deadlines and bounds of a hydration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// The longest that one git command may take.
    pub command: Duration,
    /// A transfer of less than 1000 bytes a second for this long is given up; whole seconds, at least one.
    pub low_speed: Duration,
    /// How often a clone is tried when the server does not answer; at least once.
    pub attempts: u32,
    /// The pause before the second try; doubled before each further one.
    pub pause: Duration,
    /// Clones at the same time; at least one.
    pub parallel: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            command: Duration::from_mins(30),
            low_speed: Duration::from_mins(1),
            attempts: 3,
            pause: Duration::from_secs(2),
            parallel: 6,
        }
    }
}
