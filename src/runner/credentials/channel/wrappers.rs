//! The programs that are started with a credential, in place of those on the agent's PATH. Pure but for [`write`].

use std::{
    fs::{self, Permissions},
    io,
    os::unix::fs::PermissionsExt,
    path::Path,
};

use super::environment::quoted;
use crate::runner::credentials::{
    kind::Kind,
    wire::{GIT, WRAPPERS},
};

/// Programs, and which credential each is started with.
const PROGRAMS: [(&str, Kind); 7] = [
    ("gh", Kind::Github),
    ("mcp-atlassian", Kind::Jira),
    ("workspace-mcp", Kind::Google),
    ("coderabbit", Kind::Coderabbit),
    ("kubectl", Kind::Kubeconfig),
    ("oc", Kind::Kubeconfig),
    ("helm", Kind::Kubeconfig),
];

/// What makes commits or tags, or may; the rest of git is not slowed down.
const COMMITS: [&str; 11] =
    ["am", "cherry-pick", "commit", "commit-tree", "merge", "notes", "pull", "rebase", "revert", "stash", "tag"];

/// Which wrappers there are.
#[derive(Debug, Clone, Default)]
pub(super) struct Wrappers {
    /// The kinds that there may be credentials of.
    pub(super) kinds: Vec<Kind>,
    /// Whether somebody knows who commits.
    pub(super) committers: bool,
}

impl Wrappers {
    /// Puts the wrappers into a folder. `helper` is a word of a shell.
    pub(super) fn write(&self, folder: &Path, helper: &str) -> io::Result<()> {
        for (program, kind) in PROGRAMS {
            if self.kinds.contains(&kind) {
                put(folder, program, &script(folder, &exec(helper, kind.path(), program)))?;
            }
        }
        if self.committers {
            put(folder, GIT, &script(folder, &git(folder, helper)))?;
        }
        Ok(())
    }
}

/// Takes all wrappers away, also those of a former runner.
pub(super) fn clear(folder: &Path) {
    for program in PROGRAMS.iter().map(|(program, _)| *program).chain([GIT]) {
        let _ = fs::remove_file(folder.join(program));
    }
}

fn put(folder: &Path, name: &str, script: &str) -> io::Result<()> {
    let (new, made) = (folder.join(format!(".{name}.new")), folder.join(name));
    fs::write(&new, script)?;
    fs::set_permissions(&new, Permissions::from_mode(0o755))?;
    fs::rename(&new, &made)
}

/// The helper must know this folder, even where the environment was emptied: else it would find the wrapper again.
fn script(folder: &Path, what: &str) -> String {
    format!("#!/bin/sh\nexport {WRAPPERS}={}\n{what}\n", quoted(&folder.display().to_string()))
}

fn exec(helper: &str, credential: &str, program: &str) -> String {
    format!("exec {helper} credential exec {credential} -- {program} \"$@\"")
}

fn git(folder: &Path, helper: &str) -> String {
    format!(
        "for word; do
  case $word in {}) {} ;; esac
done
IFS=:
set -f
for folder in $PATH; do
  if [ \"$folder\" != {} ] && [ -x \"$folder/git\" ]; then exec \"$folder/git\" \"$@\"; fi
done
echo 'ambient: git is not installed here' >&2
exit 127",
        COMMITS.join("|"),
        exec(helper, GIT, GIT),
        quoted(&folder.display().to_string()),
    )
}
