//! Cloning one repository into a workspace: beside its final place first, then one rename.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use super::{
    branch::{self, Refs},
    command::{GitCommand, GitSettings},
    credentials::{Credential, Credentials},
    failure::{Cause, RepoFailure, Subject},
    process::{self, Output, ProcessError},
    progress::{self, Phase},
    url::RepoUrl,
};

/// Clones in progress, and what an interrupted one leaves behind, start with this.
pub(crate) const SCRATCH: &str = ".cloning-";

/// What to clone and how to set it up.
pub(crate) struct CloneJob<'a> {
    pub(crate) name: &'a str,
    /// For error messages, e.g. `spec.repos[0]`.
    pub(crate) field: &'a str,
    pub(crate) url: &'a RepoUrl,
    pub(crate) credential: Option<&'a Credential>,
    pub(crate) credentials: &'a Credentials,
    /// The branch or tag to start from.
    pub(crate) branch: Option<&'a str>,
    pub(crate) working_branch: &'a str,
    /// `user.name` and `user.email` of the clone.
    pub(crate) identity: Option<(&'a str, &'a str)>,
    /// The directory that gets the clone as `name`.
    pub(crate) into: &'a Path,
    pub(crate) deadline: Duration,
}

/// What came of it.
pub(crate) struct Cloned {
    pub(crate) base: String,
    pub(crate) commit: Option<String>,
}

impl CloneJob<'_> {
    /// Runs the clone; on failure nothing of it stays.
    pub(crate) async fn run(
        &self,
        git: &GitSettings,
        mut on_progress: impl FnMut(Phase, u8) + Send,
    ) -> Result<Cloned, RepoFailure> {
        let scratch = self.into.join(format!("{SCRATCH}{}-{}", self.name, uuid::Uuid::new_v4().simple()));
        let cloned = self.clone_into(git, &scratch, &mut on_progress).await;
        let cloned = match cloned {
            Ok(cloned) => self.put_in_place(&scratch).await.map(|()| cloned),
            Err(failure) => Err(failure),
        };
        if cloned.is_err() {
            // What is left is found by its name and removed by the next attempt.
            let _ = tokio::fs::remove_dir_all(&scratch).await;
        }
        cloned
    }

    async fn clone_into(
        &self,
        git: &GitSettings,
        scratch: &Path,
        on_progress: &mut (impl FnMut(Phase, u8) + Send),
    ) -> Result<Cloned, RepoFailure> {
        let command = git.network(self.into, self.deadline, (self.url, self.credential), self.arguments(scratch));
        self.git(command, on_progress).await?;
        let local = |args: Vec<String>| git.local(scratch, self.deadline, args);
        let list = vec!["for-each-ref".to_owned(), branch::REF_FORMAT.to_owned()];
        let refs = Refs::parse(&self.git(local(list), on_progress).await?.stdout);
        let start = branch::start(&refs, self.branch, self.working_branch).map_err(|error| {
            let detail = format!("{error}; set {}.branch", self.field);
            self.subject().failed(Cause::Other, detail)
        })?;
        for command in start.commands {
            self.git(local(command), on_progress).await?;
        }
        Ok(Cloned { base: start.base, commit: start.commit })
    }

    /// No checkout yet: which branch to check out depends on what the remote has.
    fn arguments(&self, scratch: &Path) -> Vec<std::ffi::OsString> {
        let fixed = [
            "clone",
            "--progress",
            "--no-checkout",
            "--no-recurse-submodules",
            "--origin=origin",
            "--template=",
            // A plain `git push` of a branch that the remote lacks just works.
            "--config=push.autoSetupRemote=true",
        ];
        let identity = self
            .identity
            .into_iter()
            .flat_map(|(name, email)| [format!("--config=user.name={name}"), format!("--config=user.email={email}")]);
        let target = ["--".into(), self.url.as_str().into(), scratch.into()];
        fixed.iter().map(Into::into).chain(identity.map(Into::into)).chain(target).collect()
    }

    async fn git(
        &self,
        command: GitCommand,
        on_progress: &mut (impl FnMut(Phase, u8) + Send),
    ) -> Result<Output, RepoFailure> {
        let mut last = None;
        let output = process::run(command, |line| {
            let step = progress::parse(line);
            if let (Some((phase, percent)), true) = (step, step != last) {
                last = step;
                on_progress(phase, percent);
            }
        });
        match output.await {
            Ok(output) if output.success => Ok(output),
            Ok(output) => Err(self.subject().git_said(&output.stderr)),
            Err(error) => Err(self.subject().failed(cause(&error), error.to_string())),
        }
    }

    async fn put_in_place(&self, scratch: &Path) -> Result<(), RepoFailure> {
        let target: PathBuf = self.into.join(self.name);
        let renamed = tokio::fs::rename(scratch, &target).await;
        renamed.map_err(|error| {
            let detail = format!("{}: {error}", target.display());
            self.subject().failed(Cause::Other, detail)
        })
    }

    fn subject(&self) -> Subject<'_> {
        Subject {
            name: self.name,
            field: self.field,
            url: self.url,
            credentials: self.credentials,
            secret: self.credential.map(|credential| &credential.secret),
        }
    }
}

fn cause(error: &ProcessError) -> Cause {
    match error {
        ProcessError::Start(_) => Cause::NoGit,
        ProcessError::Deadline(_) => Cause::Deadline,
        ProcessError::Read(_) => Cause::Other,
    }
}
