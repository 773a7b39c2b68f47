//! The Run that a session's `initialPrompt` becomes, once for the life of the session.

use kube::{Api, ResourceExt, api::PostParams};
use serde_json::json;

use crate::{
    api::{API_VERSION, AgenticSession, Run, RunSpec, names, run::SessionRef},
    operator::{
        apply::{MANAGER, called},
        context::Context,
        error::OperatorError,
    },
};

/// Creates it. One that is there already is left as it is.
pub(in crate::operator) async fn create(session: &AgenticSession, context: &Context) -> Result<(), OperatorError> {
    let Some(run) = run(session) else {
        return Ok(());
    };
    let (namespace, name) = (session.namespace().unwrap_or_default(), run.name_any());
    let params = PostParams { field_manager: Some(MANAGER.to_owned()), ..PostParams::default() };
    match Api::<Run>::namespaced(context.client.clone(), &namespace).create(&params, &run).await {
        Ok(created) => {
            context.runs.remember(created);
            Ok(())
        }
        Err(kube::Error::Api(status)) if status.code == 409 => Ok(()),
        Err(error) => Err(OperatorError::of(called::<Run>(&namespace, &name), error)),
    }
}

/// The Run; none without a prompt.
fn run(session: &AgenticSession) -> Option<Run> {
    let prompt = session.spec.initial_prompt.clone().filter(|prompt| !prompt.trim().is_empty())?;
    let name = session.name_any();
    let spec = RunSpec { session_ref: SessionRef { name: name.clone() }, prompt: Some(prompt), ..RunSpec::default() };
    let mut run = Run::new(&names::initial_run(&name), spec);
    run.metadata.namespace = session.namespace();
    let labels = [(names::SESSION_LABEL.to_owned(), names::session_label(&name))];
    run.metadata.labels = Some(labels.into());
    let owner = json!({ "apiVersion": API_VERSION, "kind": "AgenticSession", "name": name, "uid": session.uid() });
    run.metadata.owner_references = serde_json::from_value(json!([owner])).ok();
    Some(run)
}
