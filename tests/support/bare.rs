//! Bare repositories in temporary directories, and git with a clean configuration.

#![allow(dead_code, reason = "each test file uses its own part")]

use std::{
    path::{Path, PathBuf},
    process::Command,
};

/// A bare repository on disk.
pub(crate) struct Bare {
    pub(crate) path: PathBuf,
}

impl Bare {
    pub(crate) fn create(path: &Path, files: &[(&str, &str)]) -> Self {
        git(Path::new("/"), &["init", "--quiet", "--bare", "--initial-branch=main", path.to_str().unwrap()]);
        let bare = Self { path: path.to_owned() };
        if !files.is_empty() {
            bare.commit("main", files);
        }
        bare
    }

    pub(crate) fn url(&self) -> String {
        format!("file://{}", self.path.display())
    }

    /// Adds a commit with these files to a branch, which is made when missing. Content `-> x` makes a link to x.
    pub(crate) fn commit(&self, branch: &str, files: &[(&str, &str)]) -> String {
        let work = tempfile::tempdir().unwrap();
        let at = work.path();
        git(at, &["clone", "--quiet", self.path.to_str().unwrap(), "."]);
        git_may_fail(at, &["checkout", "--quiet", branch]);
        git_may_fail(at, &["checkout", "--quiet", "-b", branch]);
        for (name, content) in files {
            let path = at.join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            match content.strip_prefix("-> ") {
                Some(target) => std::os::unix::fs::symlink(target, path).unwrap(),
                None => std::fs::write(path, content).unwrap(),
            }
        }
        git(at, &["add", "--all", "--force"]);
        git(at, &["commit", "--quiet", "--allow-empty", "-m", "change"]);
        git(at, &["push", "--quiet", "origin", &format!("HEAD:refs/heads/{branch}")]);
        git(at, &["rev-parse", "HEAD"])
    }

    pub(crate) fn git(&self, args: &[&str]) -> String {
        git(&self.path, args)
    }
}

/// Runs git with a clean configuration, and returns its trimmed output.
pub(crate) fn git(directory: &Path, args: &[&str]) -> String {
    let output = git_command(directory, args).output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "git {args:?}: {stderr}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

fn git_may_fail(directory: &Path, args: &[&str]) {
    git_command(directory, args).output().unwrap();
}

fn git_command(directory: &Path, args: &[&str]) -> Command {
    let mut command = Command::new("git");
    command
        .args(["-c", "user.name=Test", "-c", "user.email=test@example.com", "-c", "protocol.file.allow=always"])
        .args(args)
        .current_dir(directory)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1");
    command
}
