//! A workspace that is ready, and what can be asked of it.

use std::path::{Path, PathBuf};

use futures_util::{StreamExt, stream};
use serde::{Deserialize, Serialize};

use super::{
    git::{
        agent_side::{AgentGit, AgentGitError},
        refname,
        status::{self, RepoStatus},
    },
    layout::Layout,
    plan::{Actions, RepoAction},
    prompt::{RepoContext, WorkspaceContext},
    spec::WorkspacePlan,
    state::State,
    workflow::ActiveWorkflow,
};

/// Repositories that are looked at together.
const PARALLEL: usize = 4;

/// A workspace that is ready for an agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hydrated {
    /// Where things are.
    pub layout: Layout,
    /// The directory to start the agent in: the main repository, or the workspace.
    pub cwd: PathBuf,
    /// Further directories that the agent may use: the other repositories, artifacts and uploads, as far as they are not below `cwd`.
    pub add_dirs: Vec<PathBuf>,
    /// The branch of every repository.
    pub working_branch: String,
    /// In the order of the plan.
    pub repos: Vec<HydratedRepo>,
    /// The repository that the agent starts in when it follows no workflow.
    pub main: Option<String>,
    /// The workflow that the agent follows.
    pub workflow: Option<ActiveWorkflow>,
}

/// A repository of a workspace.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HydratedRepo {
    /// The directory below `repos/`.
    pub name: String,
    /// Its path.
    pub path: PathBuf,
    /// The clone URL, without password or token.
    pub url: String,
    /// The branch or tag that the working branch started from; absent for a clone that is not ours.
    pub base: Option<String>,
    /// The commit it started from; absent also for an empty repository.
    pub base_commit: Option<String>,
    /// Its own working branch, where that is not the session's.
    #[serde(default)]
    pub branch: Option<String>,
    /// Whether the agent is asked to push.
    pub auto_push: bool,
    /// Cloned just now; otherwise it was there, and an agent may have changed it.
    pub fresh: bool,
}

impl Hydrated {
    /// Says anew where the agent starts and which directories it may use besides: after repositories or the workflow changed.
    pub fn arrange(&mut self) {
        let main = self.repos.iter().find(|repo| Some(&repo.name) == self.main.as_ref()).or(self.repos.first());
        let main = main.map(|repo| repo.path.clone());
        let start = self.workflow.as_ref().map(|workflow| workflow.directory.clone()).or(main);
        self.add_dirs = match &start {
            Some(start) => add_dirs(&self.layout, start, &self.repos),
            None => Vec::new(),
        };
        self.cwd = start.unwrap_or_else(|| self.layout.root().to_owned());
    }

    /// What the agent did to the repositories since the session started, in their order.
    pub async fn status(&self, git: &AgentGit<'_>) -> Vec<Result<RepoStatus, AgentGitError>> {
        let look = |repo: &'_ HydratedRepo| {
            let (name, path, base) = (repo.name.clone(), repo.path.clone(), repo.base_commit.clone());
            async move { status::status(git, &name, &path, base.as_deref()).await }
        };
        stream::iter(self.repos.iter().map(look)).buffered(PARALLEL).collect().await
    }

    /// What to tell the agent, with the names of uploaded files and the owner's own instructions.
    #[must_use]
    pub fn prompt_context(&self, uploaded: Vec<String>, owner_instructions: Option<String>) -> WorkspaceContext {
        let repo = |repo: &HydratedRepo| RepoContext {
            name: repo.name.clone(),
            path: repo.path.clone(),
            url: repo.url.clone(),
            base: repo.base.clone(),
            branch: repo.branch.clone().unwrap_or_else(|| self.working_branch.clone()),
            auto_push: repo.auto_push,
        };
        WorkspaceContext {
            cwd: self.cwd.clone(),
            artifacts: self.layout.artifacts(),
            uploads: self.layout.uploads(),
            uploaded,
            working_branch: self.working_branch.clone(),
            repos: self.repos.iter().map(repo).collect(),
            workflow: self.workflow.clone(),
            owner_instructions,
            ..WorkspaceContext::default()
        }
    }
}

/// What a plan that was carried out has made.
pub(super) fn hydrated(plan: &WorkspacePlan, layout: Layout, actions: &Actions, state: &State) -> Hydrated {
    let repo = |repo: &RepoAction| {
        let known = state.repos.get(&repo.name);
        HydratedRepo {
            path: layout.repo(&repo.name),
            name: repo.name.clone(),
            url: repo.url.to_string(),
            base: known.map(|known| known.base.clone()),
            base_commit: known.and_then(|known| known.commit.clone()),
            branch: None,
            auto_push: repo.auto_push,
            fresh: !repo.keep,
        }
    };
    let repos: Vec<HydratedRepo> = actions.repos.iter().map(repo).collect();
    let main = actions.main.and_then(|index| repos.get(index)).map(|repo| repo.name.clone());
    let mut hydrated = Hydrated {
        cwd: PathBuf::new(),
        add_dirs: Vec::new(),
        working_branch: refname::working_branch(&plan.session),
        layout,
        repos,
        main,
        workflow: None,
    };
    hydrated.arrange();
    hydrated
}

fn add_dirs(layout: &Layout, main: &Path, repos: &[HydratedRepo]) -> Vec<PathBuf> {
    let others = repos.iter().map(|repo| repo.path.clone()).filter(|path| path != main);
    others.chain([layout.artifacts(), layout.uploads()]).collect()
}
