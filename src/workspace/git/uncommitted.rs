//! What differs from the last commit in a repository that the agent may have changed, from three git processes on its side.

use std::path::Path;

use super::{
    agent_side::{AgentGit, AgentGitError},
    porcelain::{Numstat, Porcelain, records},
    remote,
};

/// A repository and what is not committed in it. All of it is what the repository itself says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Uncommitted {
    /// The branch; absent when detached.
    pub branch: Option<String>,
    /// The URL of `origin`, without what stands before its `@`; absent without one.
    pub remote: Option<String>,
    /// Files with changes.
    pub files: u64,
    /// Of these, files that the last commit lacks.
    pub added: u64,
    /// And those that only it has.
    pub removed: u64,
    /// Lines that tracked files have gained.
    pub lines_added: u64,
    /// Lines that tracked files have lost.
    pub lines_removed: u64,
}

/// Looks at one repository.
pub async fn uncommitted(git: &AgentGit<'_>, directory: &Path) -> Result<Uncommitted, AgentGitError> {
    let (listing, numstat, remote) = tokio::join!(
        git.look(directory, &super::status::STATUS),
        lines(git, directory),
        remote::origin(git, directory)
    );
    let (listing, numstat, remote) = (listing?, numstat?, remote?);
    let porcelain = Porcelain::parse(&listing.stdout);
    let (added, removed) = count(&listing.stdout);
    Ok(Uncommitted {
        branch: porcelain.branch,
        remote,
        files: porcelain.dirty,
        added,
        removed,
        lines_added: numstat.insertions,
        lines_removed: numstat.deletions,
    })
}

async fn lines(git: &AgentGit<'_>, directory: &Path) -> Result<Numstat, AgentGitError> {
    match super::status::diff(git, directory, None).await {
        Ok((numstat, _truncated)) => Ok(numstat),
        Err(error) => Err(error),
    }
}

/// New and deleted files of a `git status --porcelain=v2 -z`; a changed file is neither.
fn count(output: &[u8]) -> (u64, u64) {
    let (mut added, mut removed) = (0, 0);
    for record in records(output) {
        match record {
            // Staged as new, and deleted since: the last commit never had it.
            [b'1', b' ', b'A', b'D', ..] => {}
            [b'?', b' ', ..] | [b'1', b' ', b'A', ..] => added += 1,
            [b'1', b' ', b'D', ..] | [b'1', b' ', _, b'D', ..] => removed += 1,
            _ => {}
        }
    }
    (added, removed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bug_18_a_changed_file_is_not_counted_as_added() {
        let status = b"# branch.head main\x001 .M N... 1 2 3 a b changed\x001 A. N... 1 2 3 a b staged\x00? new\x001 .D N... 1 2 3 a b gone\x00\
            1 D. N... 1 2 3 a b removed\x001 AD N... 1 2 3 a b neither\x001 AM N... 1 2 3 a b both\x00";
        assert_eq!(count(status), (3, 2));
    }
}
