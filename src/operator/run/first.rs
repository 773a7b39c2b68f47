//! The Run that a session's `initialPrompt` becomes, once for the life of the session.

use kube::ResourceExt;
use serde_json::json;

use crate::{
    api::{API_VERSION, AgenticSession, Run, RunSpec, names, run::SessionRef},
    operator::{context::Context, error::OperatorError, session::wish::REQUESTED_AT, write},
};

/// Creates it. One that is there already is left as it is.
pub(in crate::operator) async fn create(session: &AgenticSession, context: &Context) -> Result<(), OperatorError> {
    create_called(names::initial_run(&session.name_any()), session, context).await
}

/// Creates a Run of the prompt as it is now, for a session that starts again. The same request never makes a second one: it is told
/// by when the session was started last, and by when somebody asked for it.
pub(in crate::operator) async fn create_again(
    session: &AgenticSession,
    context: &Context,
) -> Result<(), OperatorError> {
    let started = session.status.as_ref().and_then(|status| status.start_time.as_ref());
    let asked = session.annotations().get(REQUESTED_AT).map(String::as_str).unwrap_or_default();
    let request = format!("{} {asked}", started.map(|time| time.0.to_string()).unwrap_or_default());
    create_called(names::prompt_run(&session.name_any(), &request), session, context).await
}

async fn create_called(name: String, session: &AgenticSession, context: &Context) -> Result<(), OperatorError> {
    let Some(run) = run(&name, session) else {
        return Ok(());
    };
    let run = serde_json::to_value(run).unwrap_or_default();
    let created = write::create::<Run>(&context.client, &run).await?;
    created.map(|created| context.runs.remember(created));
    Ok(())
}

/// The Run; none without a prompt.
fn run(run_name: &str, session: &AgenticSession) -> Option<Run> {
    let prompt = session.spec.initial_prompt.clone().filter(|prompt| !prompt.trim().is_empty())?;
    let name = session.name_any();
    let spec = RunSpec { session_ref: SessionRef { name: name.clone() }, prompt: Some(prompt), ..RunSpec::default() };
    let mut run = Run::new(run_name, spec);
    run.metadata.namespace = session.namespace();
    let labels = [(names::SESSION_LABEL.to_owned(), names::session_label(&name))];
    run.metadata.labels = Some(labels.into());
    let owner = json!({ "apiVersion": API_VERSION, "kind": "AgenticSession", "name": name, "uid": session.uid() });
    run.metadata.owner_references = serde_json::from_value(json!([owner])).ok();
    Some(run)
}
