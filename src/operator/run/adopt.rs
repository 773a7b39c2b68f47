//! Turns that somebody gave to a runner directly become Runs, so that kubectl sees all work.
//!
//! Such a Run is its pod's from the beginning, and no runner is ever given it: an annotation says so before the status does.

use futures_util::{StreamExt, stream};
use kube::{Api, ResourceExt, api::PostParams};
use serde_json::json;
use tokio::sync::mpsc::UnboundedReceiver;

use super::status::run_id;
use crate::{
    agui::{Content, Message, RunAgentInput},
    api::{
        API_VERSION, Run, RunSpec, names,
        run::{RunnerRef, SessionRef},
    },
    operator::{
        apply::{MANAGER, called},
        context::Context,
        error::OperatorError,
        ingest::Begun,
    },
};

/// The pod that the turn was given to, as JSON.
const ADOPTED: &str = "ambient-code.io/adopted-from";

/// How many are made at once.
const AT_ONCE: usize = 32;

/// The longest prompt that is repeated in a spec, in bytes; the whole one is in the events.
const MAX_PROMPT: usize = 16 * 1024;

/// Whether a Run tells of a turn that was given to a runner directly.
pub(in crate::operator) fn is_adopted(run: &Run) -> bool {
    run.annotations().contains_key(ADOPTED)
}

/// The pod that runs it.
pub(super) fn runner(run: &Run) -> Option<RunnerRef> {
    serde_json::from_str(run.annotations().get(ADOPTED)?).ok()
}

/// Makes Runs of what begins and is none.
pub(in crate::operator) async fn adopt(begun: UnboundedReceiver<Begun>, context: &Context) {
    let each = stream::unfold(begun, |mut begun| async move { begun.recv().await.map(|next| (next, begun)) });
    let one = |begun: Begun| async move {
        let made = create(&begun, context).await;
        // A tail that has ended meanwhile begins anew, and asks again.
        drop(begun.done.send(made));
    };
    each.for_each_concurrent(AT_ONCE, one).await;
}

/// What the API server refuses for good (the namespace is on its way out, a policy says no) stays without a Run: the turn
/// goes on all the same, and its events are kept.
async fn create(begun: &Begun, context: &Context) -> Result<(), OperatorError> {
    let of = &begun.source.of;
    let runs = context.runs_of(&of.namespace, &of.name);
    if runs.iter().any(|run| run_id(run) == begun.run.as_str()) {
        return Ok(());
    }
    let run = run(begun);
    let params = PostParams { field_manager: Some(MANAGER.to_owned()), ..PostParams::default() };
    match Api::<Run>::namespaced(context.client.clone(), &of.namespace).create(&params, &run).await {
        Ok(created) => {
            context.runs.remember(created);
            Ok(())
        }
        Err(kube::Error::Api(status)) if status.code == 409 => Ok(()),
        Err(error) => match OperatorError::of(called::<Run>(&of.namespace, &run.name_any()), error) {
            OperatorError::Refused { object, message } => {
                tracing::warn!(%object, %message, "a turn that was given to the runner has no Run");
                Ok(())
            }
            again => Err(again),
        },
    }
}

fn run(begun: &Begun) -> Run {
    let source = &begun.source;
    let name = &source.of.name;
    let spec = RunSpec {
        session_ref: SessionRef { name: name.clone() },
        run_id: Some(begun.run.to_string()),
        thread_id: Some(begun.thread.to_string()),
        prompt: Some(prompt(begun.input.as_deref())),
        ..RunSpec::default()
    };
    let mut run = Run::new(&names::adopted_run(name, &begun.run), spec);
    run.metadata.namespace = Some(source.of.namespace.clone());
    run.metadata.labels = Some([(names::SESSION_LABEL.to_owned(), names::session_label(name))].into());
    let (pod, uid) = source.pod.clone();
    let pod = json!(RunnerRef { pod, uid, session: Some(source.session.clone()), disruption: None });
    run.metadata.annotations = Some([(ADOPTED.to_owned(), pod.to_string())].into());
    let owner = json!({ "apiVersion": API_VERSION, "kind": "AgenticSession", "name": name, "uid": source.session });
    run.metadata.owner_references = serde_json::from_value(json!([owner])).ok();
    run
}

/// What the person wrote last.
fn prompt(input: Option<&RunAgentInput>) -> String {
    let messages = input.into_iter().flat_map(|input| input.messages.iter().rev());
    let text = messages.into_iter().find_map(|message| match message {
        Message::User { content: Content::Text(text), .. } => Some(text.as_str()),
        _ => None,
    });
    let text = text.filter(|text| !text.trim().is_empty()).unwrap_or("(given to the runner directly)");
    text[..text.floor_char_boundary(MAX_PROMPT)].to_owned()
}
