//! The remote of a repository that the agent may have changed: reading, setting, its branches. On the agent's side.

use std::path::Path;

use super::{
    agent_side::{AgentGit, AgentGitError},
    porcelain::printable,
    url::{RepoUrl, UrlPolicy, parse, without_userinfo},
};

/// The most branches that are told.
const MAX_BRANCHES: &str = "--count=10000";

/// The URL of `origin`, without what stands before its `@`; nothing without a remote.
pub async fn origin(git: &AgentGit<'_>, directory: &Path) -> Result<Option<String>, AgentGitError> {
    match git.look(directory, &["config", "--get", "remote.origin.url"]).await {
        Ok(printed) => {
            let url = printable(printed.stdout.trim_ascii_end());
            Ok((!url.is_empty()).then(|| shown(&url)))
        }
        // There is none.
        Err(AgentGitError::Failed { said, .. }) if said.is_empty() => Ok(None),
        Err(error) => Err(error),
    }
}

/// A remote's URL, as somebody else wrote it, without a password or token.
fn shown(url: &str) -> String {
    match parse(url, UrlPolicy { http: true, file: true }) {
        Ok(parsed) => parsed.url.as_str().to_owned(),
        Err(_) => without_userinfo(url),
    }
}

/// Makes `origin` this URL. Where no repository is, one with this branch is made.
pub async fn configure(
    git: &AgentGit<'_>,
    directory: &Path,
    exists: bool,
    (url, branch): (&RepoUrl, &str),
) -> Result<(), AgentGitError> {
    if !exists {
        // No template: its hooks are somebody else's.
        let initial = format!("--initial-branch={branch}");
        git.look(directory, &["init", "--quiet", "--template=", &initial]).await?;
    }
    // `git remote` would refuse a remote that exists, or one that does not.
    git.look(directory, &["config", "--replace-all", "remote.origin.url", url.as_str()]).await?;
    git.look(directory, &["config", "--replace-all", "remote.origin.fetch", "+refs/heads/*:refs/remotes/origin/*"])
        .await?;
    Ok(())
}

/// Fetches the remote's branches, as far as they can be had without a credential.
pub async fn fetch(git: &AgentGit<'_>, directory: &Path) -> Result<(), AgentGitError> {
    let args = ["fetch", "--quiet", "--no-tags", "--no-recurse-submodules", "--no-write-fetch-head", "origin"];
    git.look(directory, &args).await.map(drop)
}

/// The branches of the remotes, as of the last fetch, without `origin/`.
pub async fn branches(git: &AgentGit<'_>, directory: &Path) -> Result<Vec<String>, AgentGitError> {
    let args = ["for-each-ref", MAX_BRANCHES, "--format=%(symref)|%(refname:lstrip=2)", "refs/remotes"];
    Ok(names(&git.look(directory, &args).await?.stdout))
}

/// `origin/HEAD` only says which branch is the default: it is a reference to one, not one.
fn names(output: &[u8]) -> Vec<String> {
    let branches = output.split(|byte| *byte == b'\n').filter_map(|line| line.strip_prefix(b"|"));
    branches.map(|name| printable(name.strip_prefix(b"origin/").unwrap_or(name))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bug_18_origin_head_is_no_branch() {
        let printed = b"refs/remotes/origin/main|origin/HEAD\n|origin/main\n|origin/feature/x\n|upstream/main\n";
        assert_eq!(names(printed), ["main", "feature/x", "upstream/main"]);
    }

    #[test]
    fn a_stored_remote_is_shown_without_its_token() {
        for (stored, expected) in [
            ("https://ghp_secret@github.com/o/r.git", "https://github.com/o/r.git"),
            ("https://user:secret@github.com/o/r.git", "https://github.com/o/r.git"),
            ("git@github.com:o/r.git", "git@github.com:o/r.git"),
            ("ext::sh -c secret@x", "x"),
        ] {
            assert_eq!(shown(stored), expected);
        }
    }
}
