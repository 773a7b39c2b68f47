//! `POST …/runs`, `…/cancel` and `…/answer`: what clients want becomes a change of a Run object, and no more.

use std::sync::Arc;

use axum::{
    Json,
    body::Bytes,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use kube::{
    Api, ResourceExt,
    api::{Patch, PatchParams, PostParams},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Gateway,
    access::Right,
    error::GatewayError,
    events,
    find::Found,
    spec,
    stream::{From, run_id},
};
use crate::{
    agui::parse_run,
    api::{
        Run, RunSpec, names,
        run::{Answer, SessionRef},
    },
    operator::apply::MANAGER,
};

/// Who asked for a Run, for people who look at it.
const ASKED_BY: &str = "ambient-code.io/requested-by";

/// Starts a run of a session and answers with its stream. A run id that there is already answers with the run it names.
pub(super) async fn run(
    State(gateway): State<Arc<Gateway>>,
    Path((namespace, name)): Path<(String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, GatewayError> {
    let found = gateway.session(&headers, &namespace, &name).await?;
    let (right, what) = (Right::start(&namespace), format!("start runs of session {namespace}/{name}"));
    gateway.allow(&found.caller, &right, &what).await?;
    let (input, extras) = parse_run(&body).map_err(GatewayError::Input)?;
    let session = found.object.name_any();
    if !gateway.is_there(&found.object) {
        return Err(GatewayError::Gone(format!("session {namespace}/{name} was deleted; it runs no more")));
    }
    let spec = spec::of(&session, &input, &extras).map_err(GatewayError::Refused)?;
    let run = gateway.create(&namespace, spec, found.caller.name()).await?;
    events::of_run(gateway, Found { object: run, caller: found.caller, right: found.right }, From::Joining)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answers {
    run_id: Option<String>,
    #[serde(alias = "answers")]
    resume: Vec<Answer>,
}

/// Answers everything that a Run asks, and answers with the stream of the run that goes on.
pub(super) async fn answer(
    State(gateway): State<Arc<Gateway>>,
    Path((namespace, name)): Path<(String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, GatewayError> {
    let found = gateway.run(&headers, &namespace, &name).await?;
    let (right, what) = (Right::start(&namespace), format!("answer Run {namespace}/{name}"));
    gateway.allow(&found.caller, &right, &what).await?;
    let answers: Answers = serde_json::from_slice(&body).map_err(|error| {
        GatewayError::BadRequest(format!("expected {{\"resume\": [{{\"interruptId\", \"payload\"}}]}}: {error}"))
    })?;
    let asking = &found.object;
    let id = answers.run_id.unwrap_or_else(|| format!("answer-{}", asking.uid().unwrap_or_default()));
    let there = gateway
        .runs
        .store
        .find(|run| run.spec.run_id.as_deref() == Some(&id) && run.metadata.namespace == asking.metadata.namespace);
    if there.is_none() {
        asks(asking, &answers.resume)?;
    }
    let spec = RunSpec {
        session_ref: SessionRef { name: asking.spec.session_ref.name.clone() },
        thread_id: asking.spec.thread_id.clone(),
        run_id: Some(id),
        resume: Some(answers.resume),
        ..RunSpec::default()
    };
    let run = gateway.create(&namespace, spec, found.caller.name()).await?;
    events::of_run(gateway, Found { object: run, caller: found.caller, right: found.right }, From::Joining)
}

/// Whether the answers are those that the Run waits for.
fn asks(run: &Run, answers: &[Answer]) -> Result<(), GatewayError> {
    let name = run.name_any();
    let open = run.status.as_ref().map(|status| status.interrupts.as_slice()).unwrap_or_default();
    if open.is_empty() {
        let phase = run.status.as_ref().map(|status| status.phase).unwrap_or_default();
        return Err(GatewayError::Conflict(format!("Run {name} asks nothing: it is {}", phase.as_str())));
    }
    let missing: Vec<&str> = open
        .iter()
        .map(|interrupt| interrupt.id.as_str())
        .filter(|id| !answers.iter().any(|answer| answer.interrupt_id == *id))
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(GatewayError::Conflict(format!(
        "Run {name} asks more: answer {} too, or decline it with status cancelled",
        missing.join(", ")
    )))
}

/// Cancels a Run, wherever it is.
pub(super) async fn cancel(
    State(gateway): State<Arc<Gateway>>,
    Path((namespace, name)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, GatewayError> {
    let caller = gateway.access.caller(&headers).await?;
    let run = gateway.run_found(&namespace, &name).await?;
    let subject = run.as_ref().map_or_else(|| name.clone(), |run| run.name_any());
    let right = Right::cancel(&namespace, if name == subject || run.is_some() { &subject } else { "" });
    gateway.allow(&caller, &right, &format!("cancel Run {namespace}/{name}")).await?;
    let run = run.ok_or_else(|| GatewayError::NotFound(format!("there is no Run {name} in namespace {namespace}")))?;
    let phase = run.status.as_ref().map(|status| status.phase).unwrap_or_default();
    let told = |phase: &str| json!({ "run": run.name_any(), "runId": run_id(&run), "phase": phase });
    if phase.is_terminal() {
        return Ok(Json(told(phase.as_str())).into_response());
    }
    let patch = json!({ "spec": { "desiredState": "Cancelled" } });
    let api: Api<Run> = Api::namespaced(gateway.client.clone(), &namespace);
    let patched = api.patch(&run.name_any(), &PatchParams::default(), &Patch::Merge(&patch)).await;
    patched.map_err(|error| GatewayError::of(&format!("Run {namespace}/{name}"), &error))?;
    Ok((StatusCode::ACCEPTED, Json(told(phase.as_str()))).into_response())
}

impl Gateway {
    /// The Run of a run id: the one that there is, else a new one.
    async fn create(&self, namespace: &str, spec: RunSpec, by: &str) -> Result<Arc<Run>, GatewayError> {
        let id = spec.run_id.clone().unwrap_or_default();
        let same = |run: &Run| {
            run.metadata.namespace.as_deref() == Some(namespace)
                && run.spec.session_ref == spec.session_ref
                && run_id(run) == id
        };
        if let Some(run) = self.runs.store.find(|run| same(run)) {
            return Ok(run);
        }
        let name = names::requested_run(&spec.session_ref.name, &id);
        let object = format!("Run {namespace}/{name}");
        let api: Api<Run> = Api::namespaced(self.client.clone(), namespace);
        let params = PostParams { field_manager: Some(MANAGER.to_owned()), ..PostParams::default() };
        let failed = |error| GatewayError::of(&object, &error);
        match api.create(&params, &requested(namespace, &name, &spec, by)).await {
            Ok(run) => Ok(self.runs.written.remember(run)),
            Err(kube::Error::Api(status)) if status.code == 409 => {
                let run = api.get(&name).await.map_err(failed)?;
                if same(&run) {
                    Ok(self.runs.written.remember(run))
                } else {
                    Err(GatewayError::Conflict(format!("{object} is another run")))
                }
            }
            Err(error) => Err(failed(error)),
        }
    }
}

fn requested(namespace: &str, name: &str, spec: &RunSpec, by: &str) -> Run {
    let mut run = Run::new(name, spec.clone());
    run.metadata.namespace = Some(namespace.to_owned());
    let label = names::session_label(&spec.session_ref.name);
    run.metadata.labels = Some([(names::SESSION_LABEL.to_owned(), label)].into());
    run.metadata.annotations = Some([(ASKED_BY.to_owned(), by.to_owned())].into());
    run
}

/// `/openapi.json`.
pub(super) async fn openapi() -> Json<Value> {
    Json(serde_json::from_str(include_str!("openapi.json")).unwrap_or_default())
}
