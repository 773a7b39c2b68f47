//! What is applied and what is followed, decided from what is given and what the cluster has. Pure.

use serde::Serialize;
use serde_json::Value;

use super::{
    super::{
        given::Given,
        job::{self, JobError, session_name},
        status::had_its_turn,
    },
    error::ClusterError,
};
use crate::api::{
    AgenticSession, Run,
    conditions::READY,
    names,
    outcome::exit,
    run::{DesiredState, RunPhase},
};

/// What becomes of a Run, in the order in which they are run.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Step {
    /// The operator makes it of the session's `initialPrompt`.
    Await(String),
    /// It is written, and followed. Without a name it gets one from the API server.
    Write(Box<Run>),
    /// It had its turn before: a Run is never run again.
    Over(Box<Run>),
}

/// The session that is meant: that of the manifest, the one that is named, or that of the first Run.
pub(super) fn session_of<'a>(given: &'a Given, named: Option<&'a str>) -> Result<&'a str, ClusterError> {
    let of_manifest = given.session.as_ref().map(session_name);
    let of_run = || given.runs.first().map(|run| run.spec.session_ref.name.as_str());
    of_manifest.or(named).or_else(of_run).ok_or(ClusterError::NothingNamed)
}

/// The namespace of everything: as told, else as the manifests say, else the kubeconfig's. Manifests of another one are
/// refused, as kubectl does.
pub(super) fn namespace(given: &Given, told: Option<&str>, default: &str) -> Result<String, ClusterError> {
    let session = given.session.iter().map(|session| ("AgenticSession", &session.metadata));
    let runs = given.runs.iter().map(|run| ("Run", &run.metadata));
    let settings = given.settings.iter().map(|settings| ("ProjectSettings", &settings.metadata));
    let named: Vec<(String, &str)> = session
        .chain(runs)
        .chain(settings)
        .filter_map(|(kind, metadata)| {
            let object = format!("{kind} {}", metadata.name.as_deref().unwrap_or_default());
            Some((object, metadata.namespace.as_deref()?))
        })
        .collect();
    let here = told.or(named.first().map(|(_, namespace)| *namespace)).unwrap_or(default);
    match named.iter().find(|(_, namespace)| *namespace != here) {
        Some((object, named)) => {
            Err(ClusterError::Elsewhere { object: object.clone(), named: (*named).to_owned(), here: here.to_owned() })
        }
        None => Ok(here.to_owned()),
    }
}

/// The names of the Runs that the cluster may have.
pub(super) fn names(given: &Given, session: &str) -> Vec<String> {
    let runs = given.runs.iter().filter_map(|run| run.metadata.name.clone());
    std::iter::once(names::initial_run(session)).chain(runs).collect()
}

/// What is done with Runs. `known` is the session as the cluster has it, `there` are the Runs that it has of [`names`].
pub(super) fn steps(
    session: &AgenticSession,
    known: Option<&AgenticSession>,
    given: &Given,
    there: &[Run],
    message: Option<&str>,
) -> Result<Vec<Step>, JobError> {
    // Who does not give the session's manifest does not ask for its prompt.
    let is_asked = |step: &Step| given.session.is_some() || matches!(step, Step::Await(_));
    let mut steps: Vec<Step> = initial(session, known, there).filter(is_asked).into_iter().collect();
    for run in &given.runs {
        job::check_session(run, session)?;
        steps.push(of_run(run, there)?);
    }
    steps.extend(message.map(|text| Step::Write(Box::new(asking(session, text)))));
    if steps.is_empty() { Err(JobError::Nothing) } else { Ok(steps) }
}

/// The operator makes it when a session starts for the first time.
fn initial(session: &AgenticSession, known: Option<&AgenticSession>, there: &[Run]) -> Option<Step> {
    session.spec.initial_prompt.as_ref().filter(|prompt| !prompt.trim().is_empty())?;
    let name = names::initial_run(session_name(session));
    let run = there.iter().find(|run| run.metadata.name.as_deref() == Some(&name));
    let started = known.and_then(|known| known.status.as_ref()?.start_time.as_ref()).is_some();
    match run {
        Some(run) if had_its_turn(run) => Some(Step::Over(Box::new(run.clone()))),
        Some(_) => Some(Step::Await(name)),
        None => (!started).then_some(Step::Await(name)),
    }
}

fn of_run(run: &Run, there: &[Run]) -> Result<Step, JobError> {
    let Some(known) = there.iter().find(|known| known.metadata.name == run.metadata.name) else {
        return Ok(Step::Write(Box::new(run.clone())));
    };
    job::update_run(&mut known.clone(), run)?;
    if had_its_turn(known) {
        return Ok(Step::Over(Box::new(known.clone())));
    }
    let mut run = run.clone();
    if known.spec.desired_state == DesiredState::Cancelled {
        // There is no way back from it.
        run.spec.desired_state = DesiredState::Cancelled;
    }
    Ok(Step::Write(Box::new(run)))
}

/// The Run of `-m`. The API server gives it a name that is free.
fn asking(session: &AgenticSession, text: &str) -> Run {
    let mut run = job::prompt_run(session, String::new(), text);
    run.metadata.name = None;
    run.metadata.generate_name = Some(format!("{}-", session_name(session)));
    run
}

/// Whether a Run asks, and those behind it wait for its answer: only an answer gets past a question.
pub(super) fn blocks<'a>(run: &Run, mut behind: impl Iterator<Item = &'a Step>) -> bool {
    let asks = run.status.as_ref().is_some_and(|status| status.phase == RunPhase::WaitingForInput);
    asks && behind.any(|step| !matches!(step, Step::Over(_)))
}

/// An object as it is applied: what was given, in the namespace, without what only the cluster writes.
pub(super) fn applied(object: &impl Serialize, namespace: &str) -> Value {
    let mut value = serde_json::to_value(object).unwrap_or_default();
    if let Some(members) = value.as_object_mut() {
        members.remove("status");
    }
    value["metadata"]["namespace"] = namespace.into();
    value
}

/// Why a session takes no Runs yet, in the operator's words.
pub(super) fn waits_for(session: &AgenticSession) -> Option<&str> {
    let conditions = &session.status.as_ref()?.conditions;
    let ready = conditions.iter().find(|condition| condition.type_ == READY && condition.status != "True")?;
    Some(ready.message.as_str()).filter(|message| !message.is_empty())
}

/// The exit code of the whole: that of the first Run that did not succeed.
pub(super) fn exit_code(codes: &[u8]) -> u8 {
    codes.iter().copied().find(|code| *code != exit::SUCCEEDED).unwrap_or(exit::SUCCEEDED)
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
