//! A shell on the agent's host, for files that the runner may not touch or may not even see.

use std::{ffi::OsString, path::Path};

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::agent::Shared;
use crate::host::{AgentProcess, HostError, ProcessSpec};

/// Why a script has no output.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error(transparent)]
    Start(HostError),
    #[error("the shell on the agent's host failed: {0}")]
    Io(#[from] std::io::Error),
    #[error("the shell on the agent's host was lost: {0}")]
    Lost(HostError),
    #[error("the shell on the agent's host ended with {0:?}")]
    Exit(Option<i32>),
    #[error("the shell on the agent's host did not end in time")]
    Late,
}

/// Runs a script on the agent's host and returns what it wrote. Arguments are seen by every process of that host; what is
/// secret goes into `input`, its stdin.
pub(crate) async fn run(
    shared: &Shared,
    cwd: &Path,
    script: &str,
    args: impl IntoIterator<Item = OsString>,
    input: &[u8],
) -> Result<String, Failure> {
    let path = shared.config.env.0.get("PATH").map_or("/usr/bin:/bin", String::as_str);
    let process = ProcessSpec {
        program: "sh".into(),
        args: ["-c", script, "sh"].map(OsString::from).into_iter().chain(args).collect(),
        env: vec![("PATH".into(), path.into())],
        cwd: cwd.to_owned(),
    };
    let started = shared.host.start(process).await.map_err(Failure::Start)?;
    match tokio::time::timeout(shared.config.timing.start, talk(started, input)).await {
        Ok(outcome) => outcome,
        Err(_) => Err(Failure::Late),
    }
}

async fn talk(process: AgentProcess, input: &[u8]) -> Result<String, Failure> {
    let AgentProcess { mut stdin, mut stdout, stderr, control } = process;
    stdin.write_all(input).await?;
    drop((stdin, stderr));
    let mut output = Vec::new();
    stdout.read_to_end(&mut output).await?;
    match control.wait().await.map_err(Failure::Lost)?.code {
        Some(0) => Ok(String::from_utf8_lossy(&output).into_owned()),
        code => Err(Failure::Exit(code)),
    }
}
