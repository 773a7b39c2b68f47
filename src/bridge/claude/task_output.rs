//! The output of a background task: a file of the agent's place, read there and as the agent. Whatever path the CLI names,
//! this shows nothing that the agent could not read itself.

use std::time::Duration;

use tokio::io::AsyncReadExt;

use super::{agent::Shared, ledger::Ledger};
use crate::{bridge::TaskError, host::ProcessSpec};

/// The most that is read, in bytes.
pub(crate) const MAX_OUTPUT: usize = 10 * 1024 * 1024;

/// How long reading may take.
const READ: Duration = Duration::from_secs(10);

/// What a task has written so far.
pub(crate) async fn read(shared: &Shared, id: &str) -> Result<Vec<u8>, TaskError> {
    let known = |ledger: &Ledger| ledger.get(id).is_some();
    if !known(&shared.tasks) {
        return Err(TaskError::Unknown(id.to_owned()));
    }
    let path = shared.tasks.output(id).ok_or_else(|| TaskError::NoOutput(id.to_owned()))?;
    let failed = |why: String| TaskError::Failed(format!("the output of task {id} could not be read: {why}"));
    let process = shared.host.start(command(shared, &path)).await.map_err(|error| failed(error.to_string()))?;
    let (mut stdout, mut limit) = (process.stdout, Vec::new());
    let reading = async {
        let bytes = (&mut stdout).take(MAX_OUTPUT as u64 + 1).read_to_end(&mut limit).await;
        let exit = if bytes.as_ref().is_ok_and(|count| *count <= MAX_OUTPUT) {
            Some(process.control.wait().await)
        } else {
            None
        };
        (bytes, exit)
    };
    let (bytes, exit) = tokio::time::timeout(READ, reading).await.map_err(|_| failed("it took too long".to_owned()))?;
    bytes.map_err(|error| failed(error.to_string()))?;
    match exit {
        None => Err(TaskError::TooLarge { id: id.to_owned(), limit: MAX_OUTPUT }),
        Some(Ok(exit)) if exit.code == Some(0) => Ok(limit),
        Some(Ok(_) | Err(_)) => Err(TaskError::NoOutput(id.to_owned())),
    }
}

fn command(shared: &Shared, path: &str) -> ProcessSpec {
    let bytes = (MAX_OUTPUT + 1).to_string();
    ProcessSpec {
        program: "head".into(),
        args: ["-c", &bytes, "--", path].map(Into::into).to_vec(),
        env: shared.config.env.0.get("PATH").map(|path| ("PATH".into(), path.into())).into_iter().collect(),
        cwd: "/".into(),
    }
}
