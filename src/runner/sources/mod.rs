//! Repositories and the workflow of a running session: added, removed, switched.
//!
//! A change never touches a turn: it goes into [`Engine::update`], and the next turn of each thread is started with it, in the same
//! conversation.

mod branch;
mod change;
mod error;
mod names;
mod progress;
mod record;
mod tokens;

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use serde_json::{Value, json};
use tokio::sync::Semaphore;

pub use change::{Added, NewRepo, NewWorkflow, Switched};
pub use error::SourceError;
pub use tokens::{RequestTokens, TokenRules};

use super::Engine;
use crate::{
    bridge::{Instructions, SystemPrompt},
    host::AgentHost,
    workspace::{
        Current, Hydrated, HydratedRepo,
        fetch::Fetch,
        git::{agent_side::AgentGit, branches, url::UrlPolicy},
    },
};

/// How long git may look at one repository for `/repos/status`.
const LOOK: Duration = Duration::from_secs(10);

/// Bounds of what may be done at run time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Clones at the same time; others wait.
    pub parallel: usize,
    /// Changes that are under way or wait; more are refused.
    pub waiting: usize,
    /// Repositories of a session.
    pub repos: usize,
    /// The longest that one clone may take, waiting included.
    pub deadline: Duration,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { parallel: 4, waiting: 32, repos: 64, deadline: Duration::from_mins(15) }
    }
}

/// Says what agents are told of a workspace.
pub type Describe = Box<dyn Fn(&Hydrated) -> Described + Send + Sync>;

/// What agents are told of a workspace.
pub struct Described {
    /// The text after their system prompt.
    pub system_prompt: SystemPrompt,
    /// What they read of the folders' own instructions.
    pub instructions: Instructions,
    /// What the stream says of it.
    pub state: Value,
}

/// What the service is made of.
pub struct Parts {
    /// The session that changes.
    pub engine: Arc<Engine>,
    /// Where agents run.
    pub host: Arc<dyn AgentHost>,
    /// Its workspace.
    pub current: Arc<Current>,
    /// Where its data are, which the agent cannot write.
    pub data_dir: PathBuf,
    /// Transports besides https and ssh.
    pub urls: UrlPolicy,
    /// Who may use which token.
    pub tokens: TokenRules,
    /// Bounds.
    pub bounds: Bounds,
    /// What agents are told.
    pub describe: Describe,
}

/// The repositories and the workflow of a session.
pub struct Sources {
    parts: Parts,
    fetch: Fetch,
    record: Mutex<record::Record>,
    /// Held while the workspace is replaced by its next state.
    commit: tokio::sync::Mutex<()>,
    names: names::Names,
    clones: Semaphore,
    waiting: Arc<Semaphore>,
}

/// Puts what was added by former runners into a workspace. A record that cannot be read is said and left out.
pub fn restore(hydrated: &mut Hydrated, data_dir: &Path) {
    match record::Record::load(data_dir) {
        Ok(record) => record.apply(hydrated),
        Err(error) => tracing::error!(%error, "what was added at run time is not restored"),
    }
}

impl Sources {
    /// Prepares the service; nothing is cloned yet.
    pub fn new(parts: Parts) -> Result<Arc<Self>, crate::workspace::HydrateError> {
        let Parts { data_dir, urls, bounds, .. } = &parts;
        let layout = parts.current.get().layout.clone();
        let fetch = Fetch::prepare(&layout, data_dir, *urls, bounds.deadline)?;
        Ok(Arc::new(Self {
            fetch,
            record: Mutex::new(record::Record::load(data_dir).unwrap_or_default()),
            commit: tokio::sync::Mutex::default(),
            names: names::Names::default(),
            clones: Semaphore::new(bounds.parallel.max(1)),
            waiting: Arc::new(Semaphore::new(bounds.waiting.max(1))),
            parts,
        }))
    }

    /// Whether a workflow is active, or somebody has chosen to have none.
    pub fn has_workflow(&self) -> bool {
        let chosen = self.record.lock().unwrap_or_else(PoisonError::into_inner).workflow == Some(record::Choice::None);
        chosen || self.parts.current.get().workflow.is_some()
    }

    /// What `GET /repos/status` answers: each repository, looked at on the agent's side, all at once.
    pub async fn status(&self) -> Value {
        let current = self.parts.current.get();
        let path = std::env::var_os("PATH").unwrap_or_default();
        let git = AgentGit::new(&*self.parts.host, path, LOOK);
        let looks = current.repos.iter().map(|repo| look(&git, repo));
        json!({ "repos": futures_util::future::join_all(looks).await })
    }

    /// Replaces the workspace: noted first, then seen by the next turn of every thread.
    async fn commit(
        &self,
        change: impl FnOnce(&mut Hydrated, &mut record::Record) -> Result<(), SourceError>,
    ) -> Result<(), SourceError> {
        let _one_at_a_time = self.commit.lock().await;
        let mut next = Hydrated::clone(&self.parts.current.get());
        let mut record = self.record.lock().unwrap_or_else(PoisonError::into_inner).clone();
        change(&mut next, &mut record)?;
        next.arrange();
        record.save(&self.parts.data_dir).map_err(SourceError::Platform)?;
        *self.record.lock().unwrap_or_else(PoisonError::into_inner) = record;
        let Described { system_prompt, instructions, state } = (self.parts.describe)(&next);
        self.parts.engine.update(|live| {
            live.session.0.cwd.clone_from(&next.cwd);
            live.session.0.add_dirs.clone_from(&next.add_dirs);
            live.session.0.system_prompt = system_prompt;
            live.session.0.instructions = instructions;
            live.workspace_state = state;
        });
        self.parts.current.set(next);
        Ok(())
    }
}

async fn look(git: &AgentGit<'_>, repo: &HydratedRepo) -> Value {
    let seen = branches::branches(git, &repo.path).await;
    let seen = seen.inspect_err(|error| tracing::warn!(repo = %repo.name, %error, "its branches are not known"));
    let seen = seen.unwrap_or_default();
    json!({
        "url": repo.url,
        "name": repo.name,
        "branches": seen.all,
        "currentActiveBranch": seen.current,
        "defaultBranch": seen.default,
    })
}
