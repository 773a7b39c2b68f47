//! The instructions of repositories (`CLAUDE.md`) apart from all else in them, for a CLI that would read more.

use std::{
    os::fd::AsFd,
    path::{Path, PathBuf},
};

use rustix::io::Errno;

use super::{HydratedRepo, Layout, beneath::Root, layout::WORKFLOWS, paths::RelativePath};

/// Where they are, below the workspace: where an agent cannot write.
const FOLDER: &str = ".instructions";
const FILE: &str = "CLAUDE.md";

/// A folder for each repository, which holds nothing but a link to the repository's instructions as they are at any time. One that
/// cannot be made is left out.
#[must_use]
pub fn folders(layout: &Layout, repos: &[HydratedRepo]) -> Vec<PathBuf> {
    let folder = |repo: &HydratedRepo| match link(layout.root(), repo) {
        Ok(folder) => Some(folder),
        Err(error) => {
            tracing::warn!(repo = %repo.name, %error, "the repository's own instructions are not read");
            None
        }
    };
    repos.iter().filter_map(folder).collect()
}

fn link(workspace: &Path, repo: &HydratedRepo) -> Result<PathBuf, String> {
    let said = |error: &dyn std::fmt::Display| error.to_string();
    let path = format!("{WORKFLOWS}/{FOLDER}/{}", repo.name);
    let place: RelativePath = path.parse().map_err(|error| said(&error))?;
    let root = Root::open(workspace).map_err(|error| said(&error))?;
    let folder = root.make_directory(&place).map_err(|error| said(&error))?;
    match rustix::fs::symlinkat(repo.path.join(FILE), folder.as_fd(), FILE) {
        Ok(()) | Err(Errno::EXIST) => Ok(workspace.join(path)),
        Err(error) => Err(said(&error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_leads_to_the_instructions_and_to_nothing_else() {
        let directory = tempfile::tempdir().unwrap();
        let layout = Layout::new(directory.path());
        let repo = HydratedRepo { name: "web".to_owned(), path: layout.repo("web"), ..HydratedRepo::default() };
        std::fs::create_dir_all(repo.path.join(".claude")).unwrap();
        std::fs::create_dir_all(directory.path().join(WORKFLOWS)).unwrap();
        for _ in 0..2 {
            let folders = folders(&layout, std::slice::from_ref(&repo));
            std::fs::write(repo.path.join(FILE), "read me").unwrap();
            assert_eq!(std::fs::read_to_string(folders[0].join(FILE)).unwrap(), "read me");
            assert_eq!(std::fs::read_dir(&folders[0]).unwrap().count(), 1);
        }
    }
}
