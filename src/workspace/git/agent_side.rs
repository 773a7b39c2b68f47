//! Running git where the agent runs, on a repository that the agent may have changed.
//!
//! Such a repository decides what git executes: filters, a file system monitor, hooks, an external diff. So git gets no credential, no
//! configuration of ours, no transport and a deadline; what can be switched off is; what cannot (a filter with a name of its own) does
//! no more than the agent could do itself, because it runs in the agent's place.

use std::{ffi::OsString, path::Path, time::Duration};

use tokio::{
    io::{AsyncRead, AsyncReadExt},
    time::timeout,
};

use super::{porcelain::printable, url::UrlPolicy};
use crate::host::{AgentHost, AgentProcess, HostError, ProcessSpec, Signal};

/// The most that is read of one command.
const MAX_OUTPUT: u64 = 4 << 20;
/// The most of stderr that an error can quote.
const MAX_STDERR: u64 = 1024;

/// git on the agent's side.
pub struct AgentGit<'a> {
    host: &'a dyn AgentHost,
    path: OsString,
    deadline: Duration,
    protocols: String,
}

/// What a command printed.
pub(super) struct Printed {
    pub(super) stdout: Vec<u8>,
    /// There was more than we read.
    pub(super) truncated: bool,
}

/// Why git told nothing about a repository.
#[derive(Debug, thiserror::Error)]
pub enum AgentGitError {
    /// git refused: the agent removed or broke the repository. Whoever asks reports that and goes on.
    #[error("git in {directory}: {said}")]
    Failed {
        /// The repository.
        directory: String,
        /// The end of what git said, printable.
        said: String,
    },
    /// git did not end in time; it was killed. Whoever asks reports that and goes on.
    #[error("git in {directory} did not end within {} s", .deadline.as_secs())]
    Deadline {
        /// The repository.
        directory: String,
        /// The limit.
        deadline: Duration,
    },
    /// The agent's host could not start git: not installed, or the host is gone.
    #[error(transparent)]
    Host(#[from] HostError),
}

impl<'a> AgentGit<'a> {
    /// git found on `path` (the `PATH` of the agent's side), each command with this deadline.
    pub fn new(host: &'a dyn AgentHost, path: impl Into<OsString>, deadline: Duration) -> Self {
        let path = path.into();
        Self { host, path, deadline, protocols: String::new() }
    }

    /// The same git, with what `urls` allows as transports and without a credential, as the agent itself could have.
    #[must_use]
    pub fn reaching(self, urls: UrlPolicy) -> Self {
        Self { protocols: urls.protocols(), ..self }
    }

    /// Runs a command.
    pub(super) async fn look(&self, directory: &Path, args: &[&str]) -> Result<Printed, AgentGitError> {
        let run = async {
            let process = self.host.start(self.spec(directory, args)).await?;
            collect(directory, process).await
        };
        let result = timeout(self.deadline, run).await;
        result.unwrap_or_else(|_| {
            Err(AgentGitError::Deadline { directory: directory.display().to_string(), deadline: self.deadline })
        })
    }

    fn spec(&self, directory: &Path, args: &[&str]) -> ProcessSpec {
        let options = OPTIONS.iter().flat_map(|option| ["-c".into(), OsString::from(option)]);
        // The directory may be gone, and then git says so; a missing `cwd` would look like a missing git.
        let place = [OsString::from("-C"), directory.into()];
        ProcessSpec {
            program: "git".into(),
            args: place.into_iter().chain(options).chain(args.iter().map(Into::into)).collect(),
            env: self.environment(directory),
            cwd: "/".into(),
        }
    }

    fn environment(&self, directory: &Path) -> Vec<(OsString, OsString)> {
        // Without its `.git`, a repository must not be taken for a part of one above it.
        let ceiling = directory.parent().unwrap_or(directory).as_os_str();
        let fixed = ENVIRONMENT.iter().map(|(name, value)| (name.into(), value.into()));
        let ours = [
            ("PATH".into(), self.path.clone()),
            ("GIT_CEILING_DIRECTORIES".into(), ceiling.to_owned()),
            // None, unless asked for: a partial clone must not fetch what it lacks.
            ("GIT_ALLOW_PROTOCOL".into(), self.protocols.clone().into()),
        ];
        fixed.chain(ours).collect()
    }
}

const OPTIONS: [&str; 9] = [
    "core.fsmonitor=false",
    "core.hooksPath=/dev/null",
    "core.attributesFile=/dev/null",
    "core.excludesFile=/dev/null",
    "core.pager=cat",
    "submodule.recurse=false",
    "safe.directory=*",
    "gc.auto=0",
    "color.ui=false",
];

const ENVIRONMENT: [(&str, &str); 10] = [
    ("HOME", "/nonexistent"),
    ("LC_ALL", "C"),
    ("GIT_CONFIG_NOSYSTEM", "1"),
    ("GIT_CONFIG_GLOBAL", "/dev/null"),
    ("GIT_ATTR_NOSYSTEM", "1"),
    ("GIT_TERMINAL_PROMPT", "0"),
    ("GIT_SSH_COMMAND", "ssh -o BatchMode=yes -o ConnectTimeout=10"),
    ("GIT_NO_LAZY_FETCH", "1"),
    // The agent's own git may be at work: take no lock.
    ("GIT_OPTIONAL_LOCKS", "0"),
    ("GIT_PAGER", "cat"),
];

async fn collect(directory: &Path, process: AgentProcess) -> Result<Printed, AgentGitError> {
    let AgentProcess { stdin, stdout, stderr, control } = process;
    drop(stdin);
    let output = async {
        let printed = read_bounded(stdout, MAX_OUTPUT).await?;
        if printed.truncated {
            control.signal(Signal::Kill)?;
        }
        Ok::<_, AgentGitError>(printed)
    };
    let (printed, complaint) = tokio::join!(output, read_and_drain(stderr));
    let (printed, complaint) = (printed?, complaint?);
    let exit = control.wait().await?;
    if exit.code == Some(0) || printed.truncated {
        return Ok(printed);
    }
    Err(AgentGitError::Failed { directory: directory.display().to_string(), said: printable(complaint.trim_ascii()) })
}

async fn read_bounded(mut pipe: impl AsyncRead + Unpin, limit: u64) -> Result<Printed, HostError> {
    let mut stdout = Vec::new();
    let read = (&mut pipe).take(limit).read_to_end(&mut stdout).await;
    read.map_err(|error| lost(&error))?;
    let more = pipe.read_u8().await.is_ok();
    Ok(Printed { stdout, truncated: more })
}

async fn read_and_drain(mut pipe: impl AsyncRead + Unpin) -> Result<Vec<u8>, HostError> {
    let mut kept = Vec::new();
    let read = (&mut pipe).take(MAX_STDERR).read_to_end(&mut kept).await;
    read.map_err(|error| lost(&error))?;
    tokio::io::copy(&mut pipe, &mut tokio::io::sink()).await.map_err(|error| lost(&error))?;
    Ok(kept)
}

fn lost(error: &std::io::Error) -> HostError {
    HostError::Lost(format!("git's output could not be read: {error}"))
}
