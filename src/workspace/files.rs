//! Writing the files of a plan, once per session.

use super::{
    beneath::{Existing, Root, Written},
    error::HydrateError,
    plan::{FileAction, FileStep},
    progress::{OnProgress, Progress},
    state::State,
};

/// Writes what the plan says, and remembers it. Stops at the first file that cannot be written.
pub(super) fn write_files(
    root: &Root,
    files: &[FileAction],
    state: &mut State,
    on_progress: OnProgress<'_>,
) -> Result<(), HydrateError> {
    for file in files {
        let written = write_file(root, file)?;
        if written == Written::Kept && file.step != FileStep::Keep {
            on_progress(Progress::Notice(kept_notice(file)));
        }
        let known = state.files.entry(file.path.to_string());
        known.or_insert_with(|| file.hash.clone());
    }
    Ok(())
}

fn write_file(root: &Root, file: &FileAction) -> Result<Written, HydrateError> {
    let existing = match file.step {
        FileStep::Write => Existing::Replace,
        FileStep::WriteIfAbsent => Existing::Keep,
        FileStep::Keep | FileStep::KeepChanged => return Ok(Written::Kept),
    };
    let written = root.write(&file.path, file.content.as_bytes(), existing);
    written.map_err(|source| HydrateError::Beneath { field: format!("{}.path", file.field), source })
}

fn kept_notice(file: &FileAction) -> String {
    let (field, path) = (&file.field, &file.path);
    format!("{field}: {path} is in the workspace already and stays as it is; a session's files are written once")
}
