//! From a Run object to what the engine is asked. Pure.

use super::job::session_name;
use crate::{
    agui::Id,
    api::{AgenticSession, Run},
    fold,
    runner::{RunOptions, RunRequest},
};

/// The AG-UI id of a Run: its own, or its UID.
pub(super) fn run_id(run: &Run) -> Id {
    let own = run.spec.run_id.as_deref().or(run.metadata.uid.as_deref());
    Id::from(own.unwrap_or_default())
}

/// The conversation that a Run continues.
pub(super) fn thread_id(session: &AgenticSession, run: &Run) -> Id {
    Id::from(run.spec.thread_id.as_deref().unwrap_or(session_name(session)))
}

/// What the engine is asked. `remaining` is what the session's own deadline leaves, in seconds.
pub(super) fn request(session: &AgenticSession, run: &Run, remaining: Option<u64>) -> RunRequest {
    let input = fold::input(thread_id(session, run), run_id(run), &run.spec);
    let own = run.spec.timeout.and_then(|seconds| u64::try_from(seconds).ok());
    let options = RunOptions {
        timeout_seconds: own.into_iter().chain(remaining).min(),
        model: run.spec.model.clone(),
        output_schema: run.spec.output_schema.clone(),
        ..RunOptions::default()
    };
    RunRequest { options, ..RunRequest::plain(input) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_id_defaults_to_the_uid() {
        let mut run = Run::new("r", crate::api::RunSpec::default());
        run.metadata.uid = Some("uid-1".into());
        assert_eq!(run_id(&run).as_str(), "uid-1");
        run.spec.run_id = Some("mine".into());
        assert_eq!(run_id(&run).as_str(), "mine");
    }
}
