//! The branches of a clone, from one git process on the agent's side (two when its HEAD is on no branch with a commit).

use std::{collections::BTreeSet, path::Path};

use super::{
    agent_side::{AgentGit, AgentGitError},
    porcelain::printable,
};

/// The most branches that are named.
const MAX_BRANCHES: usize = 1000;

/// What branches a clone has. All of it is what the repository itself says: an agent can forge it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Branches {
    /// Local ones and those of `origin`, by name.
    pub all: BTreeSet<String>,
    /// The one that is checked out; absent when detached.
    pub current: Option<String>,
    /// The remote's default branch, as it was when it was cloned.
    pub default: Option<String>,
}

/// Looks at one clone.
pub async fn branches(git: &AgentGit<'_>, directory: &Path) -> Result<Branches, AgentGitError> {
    let args =
        ["for-each-ref", "--count=5000", "--format=%(HEAD)%(refname) %(symref)", "refs/heads", "refs/remotes/origin"];
    let mut found = parse(&printable_lines(&git.look(directory, &args).await?.stdout));
    if found.current.is_none() {
        // A branch without commits, or none.
        let head = git.look(directory, &["symbolic-ref", "--quiet", "--short", "HEAD"]).await;
        found.current = head.ok().map(|said| printable(said.stdout.trim_ascii()));
    }
    Ok(found)
}

fn printable_lines(output: &[u8]) -> Vec<String> {
    output.split(|byte| *byte == b'\n').map(printable).collect()
}

fn parse(lines: &[String]) -> Branches {
    let mut found = Branches::default();
    for line in lines {
        let (name, target) = line.get(1..).and_then(|rest| rest.split_once(' ')).unwrap_or_default();
        if name == "refs/remotes/origin/HEAD" {
            found.default = target.strip_prefix("refs/remotes/origin/").map(str::to_owned);
            continue;
        }
        let short = name.strip_prefix("refs/heads/").or_else(|| name.strip_prefix("refs/remotes/origin/"));
        let Some(short) = short else { continue };
        if line.starts_with('*') {
            found.current = Some(short.to_owned());
        }
        if found.all.len() < MAX_BRANCHES {
            found.all.insert(short.to_owned());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_branch_is_named_once_and_origins_head_is_none() {
        let lines = [
            "*refs/heads/ambient/s1 ",
            " refs/heads/main ",
            " refs/remotes/origin/HEAD refs/remotes/origin/main",
            " refs/remotes/origin/main ",
            " refs/remotes/origin/next ",
            "",
            "é",
        ];
        let found = parse(&lines.map(str::to_owned));
        assert_eq!(found.all.iter().map(String::as_str).collect::<Vec<_>>(), ["ambient/s1", "main", "next"]);
        assert_eq!((found.current.as_deref(), found.default.as_deref()), (Some("ambient/s1"), Some("main")));
    }
}
