//! Checking another branch out in a repository that the agent may have changed, on the agent's side. What the remote has comes in
//! from a clone of ours, since git has no credential there.

use std::path::Path;

use super::{
    agent_side::{AgentGit, AgentGitError},
    porcelain::is_commit,
};

/// What a fresh clone of the remote holds.
#[derive(Debug, Clone, Copy)]
pub struct Fresh<'a> {
    /// The clone, on the branch that is wanted.
    pub clone: &'a Path,
    /// The remote has the branch; otherwise it was made from a tag or from the default branch.
    pub on_remote: bool,
}

/// Why the branch was not checked out.
#[derive(Debug, thiserror::Error)]
pub enum SwitchError {
    /// It would lose what the agent has not committed, or another git is at work. A person must act.
    #[error("{0}")]
    Busy(String),
    /// git failed.
    #[error(transparent)]
    Git(#[from] AgentGitError),
}

/// The branch that is checked out; none when HEAD is on none.
pub async fn current(git: &AgentGit<'_>, directory: &Path) -> Result<Option<String>, AgentGitError> {
    match git.look(directory, &["symbolic-ref", "--quiet", "--short", "HEAD"]).await {
        Ok(printed) => Ok(Some(text(&printed.stdout))),
        Err(AgentGitError::Failed { said, .. }) if said.is_empty() => Ok(None),
        Err(error) => Err(error),
    }
}

/// Checks a branch out; returns its commit. A branch that the repository has stays as it is; what is not committed is kept, or
/// nothing is done.
pub async fn switch(
    git: &AgentGit<'_>,
    directory: &Path,
    branch: &str,
    fresh: Fresh<'_>,
) -> Result<Option<String>, SwitchError> {
    let local = format!("refs/heads/{branch}");
    let remote = format!("refs/remotes/origin/{branch}");
    let is_there = has(git, directory, &local).await?;
    if fresh.on_remote {
        fetch(git, directory, fresh.clone, &format!("+{local}:{remote}")).await?;
    } else if !is_there {
        fetch(git, directory, fresh.clone, &format!("{local}:{local}")).await?;
    }
    let args: Vec<&str> = if fresh.on_remote && !is_there {
        vec!["checkout", "--quiet", "--no-guess", "-b", branch, "--track", &remote]
    } else {
        vec!["checkout", "--quiet", "--no-guess", branch, "--"]
    };
    git.look(directory, &args).await.map_err(refused)?;
    let printed = git.look(directory, &["rev-parse", "--verify", "--quiet", "HEAD"]).await?;
    Ok(Some(text(&printed.stdout)).filter(|commit| is_commit(commit)))
}

async fn has(git: &AgentGit<'_>, directory: &Path, reference: &str) -> Result<bool, AgentGitError> {
    match git.look(directory, &["show-ref", "--verify", "--quiet", reference]).await {
        Ok(_) => Ok(true),
        Err(AgentGitError::Failed { said, .. }) if said.is_empty() => Ok(false),
        Err(error) => Err(error),
    }
}

async fn fetch(git: &AgentGit<'_>, directory: &Path, from: &Path, refspec: &str) -> Result<(), AgentGitError> {
    let from = from.to_string_lossy();
    let args = ["fetch", "--quiet", "--no-tags", "--no-recurse-submodules", "--no-write-fetch-head", &from, refspec];
    git.look(directory, &args).await.map(drop)
}

/// What git says where it would lose something.
const LOSES: [&str; 3] =
    ["would be overwritten by checkout", "would lose untracked files", "resolve your current index"];

fn refused(error: AgentGitError) -> SwitchError {
    let AgentGitError::Failed { said, .. } = &error else {
        return error.into();
    };
    if LOSES.iter().any(|words| said.contains(words)) {
        let what =
            "files that are not committed would be lost by the switch; have them committed or stashed, then try again";
        return SwitchError::Busy(format!("{what} (git: {said})"));
    }
    if said.contains("index.lock") {
        return SwitchError::Busy("another git is at work there; try again when it has ended".to_owned());
    }
    error.into()
}

fn text(output: &[u8]) -> String {
    String::from_utf8_lossy(output.trim_ascii()).into_owned()
}
