//! Setting up a workspace: look, plan, do, remember.
//!
//! Doing it again changes nothing that is there. No agent may run in the workspace meanwhile: git runs here beside us, with
//! credentials, and it trusts what it has just cloned itself.

use std::{
    collections::BTreeSet,
    io,
    path::{Path, PathBuf},
};

use super::{
    beneath::Root,
    error::HydrateError,
    files::write_files,
    git::{
        clone::SCRATCH,
        command::{GitEnv, GitSettings},
        refname,
    },
    layout::{self, Layout},
    plan::{self, Actions, Observed, RepoAction},
    progress::OnProgress,
    repos::clone_all,
    spec::WorkspacePlan,
    state::{self, State},
};

/// The program that answers git's questions for credentials.
const ASKPASS: &str = include_str!("git/askpass.sh");

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
}

/// A repository of a workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
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
    /// Whether the agent is asked to push.
    pub auto_push: bool,
    /// Cloned just now; otherwise it was there, and an agent may have changed it.
    pub fresh: bool,
}

/// Sets up a workspace, with git's environment taken from ours by an allow-list.
pub async fn hydrate(
    plan: &WorkspacePlan,
    on_progress: OnProgress<'_>,
) -> Result<Hydrated, HydrateError> {
    hydrate_with(plan, GitEnv::from_process(), on_progress).await
}

/// [`hydrate`] with the given environment for git.
pub async fn hydrate_with(
    plan: &WorkspacePlan,
    env: GitEnv,
    on_progress: OnProgress<'_>,
) -> Result<Hydrated, HydrateError> {
    let ground = Ground::prepare(plan)?;
    let seen = observe(&ground)?;
    let actions = plan::plan(plan, &seen).map_err(HydrateError::Invalid)?;
    let mut state = seen.state;
    let failures = clone_all(
        plan,
        &ground.git(plan, env),
        &ground.layout.repos(),
        &actions,
        &mut state,
        on_progress,
    )
    .await;
    if !failures.is_empty() {
        state.save(&ground.private)?;
        return Err(HydrateError::Repos(failures));
    }
    write_files(&ground.root, &actions.files, &mut state, on_progress)?;
    state.complete = true;
    state.save(&ground.private)?;
    Ok(hydrated(plan, ground.layout, &actions, &state))
}

/// The directories that everything else needs.
struct Ground {
    layout: Layout,
    root: Root,
    /// Ours alone, mode 700.
    private: PathBuf,
}

impl Ground {
    fn prepare(plan: &WorkspacePlan) -> Result<Self, HydrateError> {
        let absolute =
            |path: &Path| std::path::absolute(path).map_err(|error| layout::failed(path, error));
        let layout = Layout::new(absolute(&plan.root)?);
        let private = absolute(&plan.data_dir)?.join("workspace");
        make_private(&private).map_err(|error| layout::failed(&private, error))?;
        if let Some(state_dir) = &plan.state_dir {
            layout::directory(state_dir, 0o777)
                .map_err(|error| layout::failed(state_dir, error))?;
        }
        let root = layout.create(plan.access)?;
        Ok(Self {
            layout,
            root,
            private,
        })
    }

    fn git(&self, plan: &WorkspacePlan, env: GitEnv) -> GitSettings {
        GitSettings {
            env,
            urls: plan.urls,
            home: self.private.clone(),
            askpass: self.private.join("askpass"),
            low_speed: plan.limits.low_speed,
        }
    }
}

fn make_private(private: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    layout::directory(private, 0o700)?;
    std::fs::set_permissions(private, std::fs::Permissions::from_mode(0o700))?;
    state::write_private(&private.join("askpass"), ASKPASS.as_bytes(), 0o700)
}

fn observe(ground: &Ground) -> Result<Observed, HydrateError> {
    let path = ground.layout.repos();
    let repos = list(&path).map_err(|error| layout::failed(&path, error))?;
    let state = State::load(&ground.private)?;
    Ok(Observed { repos, state })
}

/// Names below `repos/`; what an interrupted clone left behind is removed.
fn list(repos: &Path) -> io::Result<BTreeSet<String>> {
    let mut names = BTreeSet::new();
    for entry in std::fs::read_dir(repos)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with(SCRATCH) && entry.file_type()?.is_dir() {
            std::fs::remove_dir_all(entry.path())?;
        } else {
            names.insert(name);
        }
    }
    Ok(names)
}

fn hydrated(plan: &WorkspacePlan, layout: Layout, actions: &Actions, state: &State) -> Hydrated {
    let repo = |repo: &RepoAction| {
        let known = state.repos.get(&repo.name);
        HydratedRepo {
            path: layout.repo(&repo.name),
            name: repo.name.clone(),
            url: repo.url.to_string(),
            base: known.map(|known| known.base.clone()),
            base_commit: known.and_then(|known| known.commit.clone()),
            auto_push: repo.auto_push,
            fresh: !repo.keep,
        }
    };
    let repos: Vec<HydratedRepo> = actions.repos.iter().map(repo).collect();
    let main = actions
        .main
        .and_then(|index| repos.get(index))
        .map(|repo| repo.path.clone());
    Hydrated {
        add_dirs: match &main {
            Some(main) => add_dirs(&layout, main, &repos),
            None => Vec::new(),
        },
        cwd: main.unwrap_or_else(|| layout.root().to_owned()),
        working_branch: refname::working_branch(&plan.session),
        layout,
        repos,
    }
}

fn add_dirs(layout: &Layout, main: &Path, repos: &[HydratedRepo]) -> Vec<PathBuf> {
    let others = repos
        .iter()
        .map(|repo| repo.path.clone())
        .filter(|path| path != main);
    others
        .chain([layout.artifacts(), layout.uploads()])
        .collect()
}
