//! What an agent did to a clone, from at most three git processes on the agent's side.

use std::path::Path;

use super::{
    agent_side::{AgentGit, AgentGitError},
    porcelain::{Numstat, Porcelain, is_commit},
};

/// Changed files that are named; all are counted.
pub const NAMED_FILES: usize = 200;

/// A repository after an agent has worked in it. All of it is what the repository itself says: an agent can forge it.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RepoStatus {
    /// The directory below `repos/`.
    pub name: String,
    /// The branch; absent when detached.
    pub branch: Option<String>,
    /// The commit; absent before the first one.
    pub head: Option<String>,
    /// Files with changes that are not committed, untracked ones too.
    pub dirty: u64,
    /// Commits that no remote has, as far as the clone knows.
    pub ahead: u64,
    /// The commits are on the remote, and there are some.
    pub pushed: bool,
    /// Files that differ from the start, committed or not: the first [`NAMED_FILES`], sorted.
    pub changed: Vec<String>,
    /// How many files differ from the start.
    pub changed_count: u64,
    /// Lines added since the start, in tracked files.
    pub insertions: u64,
    /// Lines removed since the start, in tracked files.
    pub deletions: u64,
    /// There was too much to read: the counts are lower bounds.
    pub truncated: bool,
}

/// Looks at one clone.
///
/// `base` is the commit that changes are counted from, as it was when the session (or the run) started: committed work counts
/// too. Without it, or when the agent made it disappear, only what is not committed counts.
pub async fn status(
    git: &AgentGit<'_>,
    name: &str,
    directory: &Path,
    base: Option<&str>,
) -> Result<RepoStatus, AgentGitError> {
    let base = base.filter(|base| is_commit(base));
    let listing = git.look(directory, &STATUS);
    let diff = diff(git, directory, base);
    let (listing, diff) = tokio::join!(listing, diff);
    let (listing, (numstat, diff_truncated)) = (listing?, diff?);
    let porcelain = Porcelain::parse(&listing.stdout);
    let moved = porcelain.head.is_some() && porcelain.head.as_deref() != base;
    let ahead = match porcelain.ahead {
        Some(ahead) => ahead,
        None if moved => unpushed(git, directory).await?,
        None => 0,
    };
    let pushed = ahead == 0 && (porcelain.ahead.is_some() || (moved && base.is_some()));
    let truncated = listing.truncated || diff_truncated;
    Ok(summary(name, porcelain, numstat, (ahead, pushed), truncated))
}

pub(super) const STATUS: [&str; 7] = [
    "status",
    "--porcelain=v2",
    "--branch",
    "-z",
    "--untracked-files=all",
    "--no-renames",
    // Looking into a submodule would start git in it, under its own configuration.
    "--ignore-submodules=dirty",
];

pub(super) async fn diff(
    git: &AgentGit<'_>,
    directory: &Path,
    base: Option<&str>,
) -> Result<(Numstat, bool), AgentGitError> {
    for from in base.into_iter().chain(["HEAD"]) {
        let args = [
            "diff",
            "--numstat",
            "-z",
            "--no-renames",
            "--no-ext-diff",
            "--no-textconv",
            "--ignore-submodules=dirty",
            from,
            "--",
        ];
        match git.look(directory, &args).await {
            Ok(printed) => return Ok((Numstat::parse(&printed.stdout), printed.truncated)),
            // The commit is gone, or there is none yet.
            Err(AgentGitError::Failed { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Ok((Numstat::default(), false))
}

/// Commits on no remote, for a branch without upstream.
async fn unpushed(git: &AgentGit<'_>, directory: &Path) -> Result<u64, AgentGitError> {
    let args = ["rev-list", "--count", "--max-count=10000", "HEAD", "--not", "--remotes"];
    let printed = git.look(directory, &args).await?;
    let count = String::from_utf8_lossy(&printed.stdout);
    Ok(count.trim().parse().unwrap_or(0))
}

fn summary(
    name: &str,
    porcelain: Porcelain,
    numstat: Numstat,
    (ahead, pushed): (u64, bool),
    truncated: bool,
) -> RepoStatus {
    let mut changed = numstat.paths;
    changed.extend(porcelain.untracked);
    changed.sort_unstable();
    changed.dedup();
    let changed_count = u64::try_from(changed.len()).unwrap_or(u64::MAX);
    changed.truncate(NAMED_FILES);
    RepoStatus {
        name: name.to_owned(),
        branch: porcelain.branch,
        head: porcelain.head,
        dirty: porcelain.dirty,
        ahead,
        pushed,
        changed,
        changed_count,
        insertions: numstat.insertions,
        deletions: numstat.deletions,
        truncated,
    }
}
