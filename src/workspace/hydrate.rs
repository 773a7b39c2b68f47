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
    error::{HydrateError, Problem},
    files::write_files,
    git::{
        clone::SCRATCH,
        command::{GitEnv, GitSettings},
    },
    hydrated::{Hydrated, hydrated},
    layout::{self, Layout},
    plan::{self, Observed},
    progress::OnProgress,
    repos::clone_all,
    spec::WorkspacePlan,
    state::{self, State},
};

/// The program that answers git's questions for credentials.
const ASKPASS: &str = include_str!("git/askpass.sh");

/// Sets up a workspace, with git's environment taken from ours by an allow-list.
pub async fn hydrate(plan: &WorkspacePlan, on_progress: OnProgress<'_>) -> Result<Hydrated, HydrateError> {
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
    let failures =
        clone_all(plan, &ground.git(plan, env), &ground.layout.repos(), &actions, &mut state, on_progress).await;
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
        let absolute = |path: &Path| std::path::absolute(path).map_err(|error| layout::failed(path, error));
        let layout = Layout::new(absolute(&plan.root)?);
        let private = absolute(&plan.data_dir)?.join("workspace");
        if private.starts_with(layout.root()) {
            return Err(inside(&private));
        }
        make_private(&private).map_err(|error| layout::failed(&private, error))?;
        if let Some(state_dir) = &plan.state_dir {
            layout::state_directory(state_dir, plan.access).map_err(|error| layout::failed(state_dir, error))?;
        }
        let root = layout.create(plan.access)?;
        Ok(Self { layout, root, private })
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

/// An agent could read and change what we remember.
fn inside(private: &Path) -> HydrateError {
    HydrateError::Invalid(vec![Problem {
        field: "data directory".to_owned(),
        message: format!("{} is in the workspace; choose one outside of it", private.display()),
    }])
}

pub(super) fn make_private(private: &Path) -> io::Result<()> {
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
            // Its git may still be dying; then the next start removes it.
            let _ = std::fs::remove_dir_all(entry.path());
        } else {
            names.insert(name);
        }
    }
    Ok(names)
}
