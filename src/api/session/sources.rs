//! What a workspace is made of: repositories, files and a workflow.

#![expect(unreachable_pub, reason = "the KubeSchema derive copies `pub` structs into functions")]

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::api::{defaults, rules};

/// A git repository of the workspace.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct RepoSpec {
    /// The clone URL: https://, ssh:// or git@host:path.
    #[schemars(length(max = 2048))]
    #[x_kube(validation = rules::REPO_URL.rule())]
    pub url: String,
    /// The name of its folder in /workspace/repos; default: the last part of the URL without `.git`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 100))]
    #[x_kube(validation = rules::REPO_NAME.rule())]
    pub name: Option<String>,
    /// The branch to check out; created when the remote does not have it. Absent: the remote's default branch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branch: Option<String>,
    /// Whether the agent is told to push its work.
    #[serde(default)]
    pub auto_push: bool,
}

impl RepoSpec {
    /// The name of the repository's folder: `name`, else the last part of the URL without `.git`.
    #[must_use]
    pub fn folder(&self) -> &str {
        self.name.as_deref().unwrap_or_else(|| folder_of_url(&self.url))
    }
}

/// The last part of a clone URL without `.git`: what git itself would name the folder.
fn folder_of_url(url: &str) -> &str {
    let url = url.trim_end_matches('/');
    let last = url.rsplit(['/', ':']).next().unwrap_or(url);
    last.strip_suffix(".git").unwrap_or(last)
}

/// A small text file of the workspace.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
pub struct FileSpec {
    /// Where the file is written, relative to /workspace, e.g. `calculator/test.sh`.
    #[schemars(length(min = 1, max = 1024))]
    #[x_kube(validation = rules::FILE_PATH.rule())]
    pub path: String,
    /// The file's text.
    #[schemars(length(max = 262_144))]
    pub content: String,
}

/// A workflow: a repository with instructions that the agent follows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WorkflowSpec {
    /// The clone URL of the workflow's repository.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub git_url: Option<String>,
    /// The branch of the workflow's repository.
    #[serde(default = "defaults::workflow_branch")]
    pub branch: String,
    /// The folder of the workflow inside its repository; absent or empty: its root.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::folder_of_url;

    #[test]
    fn the_folder_is_the_last_part_of_the_url_without_its_suffix() {
        for (url, folder) in [
            ("https://git.example/team/web.git", "web"),
            ("https://git.example/team/web/", "web"),
            ("git@git.example:web.git", "web"),
            ("git@git.example:team/web", "web"),
            ("ssh://git@git.example:22/team/web.git", "web"),
            ("file:///srv/git/web.git", "web"),
        ] {
            assert_eq!(folder_of_url(url), folder, "{url}");
        }
    }
}
