//! What is to be run: the given manifests together with what the session's directory remembers. Pure.

use std::collections::HashSet;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time};
use uuid::Uuid;

use crate::api::{
    AgenticSession, Run, RunSpec, names,
    run::{DesiredState, SessionRef},
};

/// A session and its Runs, oldest first.
#[derive(Debug, Clone)]
pub(super) struct Job {
    pub(super) session: AgenticSession,
    pub(super) runs: Vec<Run>,
}

/// Why manifests do not fit what was run before.
#[derive(Debug, thiserror::Error)]
pub(super) enum JobError {
    #[error(
        "Run {0} was met before with another spec, and a Run is immutable but for desiredState: give the new one another \
         name, or restore the old spec"
    )]
    Changed(String),
    #[error(
        "Run {run} is of session {named}, and this is session {session}; correct its spec.sessionRef, or run it with its own"
    )]
    Stranger { run: String, named: String, session: String },
    #[error("the directory holds session {known}; give session {given} another one with --dir")]
    Taken { known: String, given: String },
    #[error("there is nothing to run: the session has no initialPrompt and there is no Run; add one, or use -m \"…\"")]
    Nothing,
}

/// What was remembered and what is given now.
pub(super) struct Sources {
    pub(super) known_session: Option<AgenticSession>,
    pub(super) known_runs: Vec<Run>,
    pub(super) given_session: AgenticSession,
    pub(super) given_runs: Vec<Run>,
    /// `-m`: one more Run.
    pub(super) message: Option<String>,
    pub(super) now: Timestamp,
}

/// Puts the sources together. Objects that are new get a UID and a time of creation.
pub(super) fn assemble(sources: Sources) -> Result<Job, JobError> {
    let Sources { known_session, known_runs, given_session, given_runs, message, now } = sources;
    let session = merge_session(known_session, given_session, now)?;
    given_runs.iter().try_for_each(|run| check_session(run, &session))?;
    let mut runs = known_runs;
    let mut met: Vec<Run> = initial_run(&session, &runs).into_iter().collect();
    for given in given_runs {
        match runs.iter_mut().find(|known| known.metadata.name == given.metadata.name) {
            Some(known) => update_run(known, &given)?,
            None => met.push(given),
        }
    }
    met.extend(message.map(|text| message_run(&session, &text, runs.iter().chain(&met))));
    // Known runs are older than those met now, and those met now keep the order they are given in.
    runs.sort_by_key(created);
    runs.extend(met.into_iter().map(|run| stamp_run(run, now)));
    if runs.is_empty() { Err(JobError::Nothing) } else { Ok(Job { session, runs }) }
}

fn merge_session(
    known: Option<AgenticSession>,
    given: AgenticSession,
    now: Timestamp,
) -> Result<AgenticSession, JobError> {
    let Some(known) = known else {
        return Ok(AgenticSession { metadata: stamp(given.metadata, now), ..given });
    };
    if session_name(&known) != session_name(&given) {
        let name = |session| session_name(session).to_owned();
        return Err(JobError::Taken { known: name(&known), given: name(&given) });
    }
    let metadata = ObjectMeta {
        uid: known.metadata.uid,
        creation_timestamp: known.metadata.creation_timestamp,
        generation: known.metadata.generation,
        ..given.metadata
    };
    Ok(AgenticSession { metadata, status: known.status, ..given })
}

pub(super) fn check_session(run: &Run, session: &AgenticSession) -> Result<(), JobError> {
    let (named, session) = (&run.spec.session_ref.name, session_name(session));
    if named == session {
        return Ok(());
    }
    let run = run.metadata.name.clone().unwrap_or_default();
    Err(JobError::Stranger { run, named: named.clone(), session: session.to_owned() })
}

fn stamp(metadata: ObjectMeta, now: Timestamp) -> ObjectMeta {
    ObjectMeta {
        uid: Some(Uuid::new_v4().to_string()),
        creation_timestamp: Some(Time(now)),
        generation: Some(1),
        ..metadata
    }
}

fn stamp_run(run: Run, now: Timestamp) -> Run {
    Run { metadata: stamp(run.metadata, now), ..run }
}

fn created(run: &Run) -> Option<Timestamp> {
    run.metadata.creation_timestamp.as_ref().map(|time| time.0)
}

pub(super) fn update_run(known: &mut Run, given: &Run) -> Result<(), JobError> {
    let same = RunSpec { desired_state: known.spec.desired_state, ..given.spec.clone() } == known.spec;
    if !same {
        return Err(JobError::Changed(given.metadata.name.clone().unwrap_or_default()));
    }
    known.spec.desired_state = given.spec.desired_state;
    Ok(())
}

/// `initialPrompt` becomes one Run, once for the life of the session.
fn initial_run(session: &AgenticSession, known: &[Run]) -> Option<Run> {
    let prompt = session.spec.initial_prompt.as_ref().filter(|prompt| !prompt.trim().is_empty())?;
    let name = names::initial_run(session_name(session));
    let met = known.iter().any(|run| run.metadata.name.as_deref() == Some(&name));
    (!met).then(|| prompt_run(session, name, prompt))
}

fn message_run<'a>(session: &AgenticSession, text: &str, known: impl Iterator<Item = &'a Run>) -> Run {
    let taken: HashSet<&str> = known.filter_map(|run| run.metadata.name.as_deref()).collect();
    let name = |number: usize| format!("{}-{number}", session_name(session));
    // Among one more names than are taken there is a free one.
    let free = (taken.len() + 1..=2 * taken.len() + 1).map(name).find(|name| !taken.contains(name.as_str()));
    prompt_run(session, free.unwrap_or_default(), text)
}

pub(super) fn prompt_run(session: &AgenticSession, name: String, prompt: &str) -> Run {
    let spec = RunSpec {
        session_ref: SessionRef { name: session_name(session).to_owned() },
        prompt: Some(prompt.to_owned()),
        desired_state: DesiredState::Running,
        ..RunSpec::default()
    };
    let metadata =
        ObjectMeta { name: Some(name), namespace: session.metadata.namespace.clone(), ..ObjectMeta::default() };
    Run { metadata, spec, status: None }
}

/// The session's name; the loader refuses manifests without one.
pub(super) fn session_name(session: &AgenticSession) -> &str {
    session.metadata.name.as_deref().unwrap_or_default()
}
