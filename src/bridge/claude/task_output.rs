//! The output of a background task: a file of the agent's place, read there and as the agent. Whatever path the CLI names,
//! in a pod this shows nothing that the agent could not read itself.

use std::path::Path;

use super::{
    agent::Shared,
    shell::{self, Failure},
};
use crate::bridge::TaskError;

/// The most that is read, in bytes.
const MAX_OUTPUT: usize = 10 * 1024 * 1024;

/// Nothing but a file itself is read: no link, no pipe. 3: it is not there; 4: it is too long.
const SCRIPT: &str =
    r#"[ -f "$1" ] && [ ! -L "$1" ] || exit 3; [ "$(wc -c < "$1")" -le "$2" ] || exit 4; exec head -c "$2" < "$1""#;

/// What a task has written so far.
pub(crate) async fn read(shared: &Shared, id: &str) -> Result<String, TaskError> {
    if shared.tasks.get(id).is_none() {
        return Err(TaskError::Unknown(id.to_owned()));
    }
    let path = shared.tasks.output(id).ok_or_else(|| TaskError::NoOutput(id.to_owned()))?;
    let args = [path.into(), MAX_OUTPUT.to_string().into()];
    shell::run(shared, Path::new("/"), SCRIPT, args, b"").await.map_err(|failure| match failure {
        Failure::Exit(Some(3)) => TaskError::NoOutput(id.to_owned()),
        Failure::Exit(Some(4)) => TaskError::TooLarge { id: id.to_owned(), limit: MAX_OUTPUT },
        other => TaskError::Failed(format!("the output of task {id} could not be read: {other}")),
    })
}
