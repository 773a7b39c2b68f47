//! What the platform's `CronJobs` run: a session from a template, or the schedule's last one once more.

mod plan;

use std::{path::PathBuf, time::Duration};

use jiff::Timestamp;
use kube::{
    Api, Client, ResourceExt,
    api::{ListParams, PostParams},
};
use serde_json::json;

pub use self::plan::TemplateError;
use self::plan::{Reuse, SCHEDULE};
use super::session::wish::{DESIRED_PHASE, FORCE_PROMPT, REQUESTED_AT};
use crate::api::AgenticSession;

/// How long the backend may take.
const ANSWER: Duration = Duration::from_secs(30);
/// How often somebody else may change the session meanwhile.
const CONFLICTS: u32 = 5;

/// What is to be started.
#[derive(Debug, Clone)]
pub struct Schedule {
    /// The spec of the session as JSON.
    pub template: String,
    /// Where the session is made.
    pub namespace: String,
    /// The schedule's name.
    pub name: String,
    /// Whether its last session is used again, if it can be.
    pub reuse: bool,
    /// Where the backend's API is; it tells a running session the prompt.
    pub backend: String,
    /// The file with the token for it.
    pub token: PathBuf,
}

/// Why nothing was started. The next time of the schedule tries again.
#[derive(Debug, thiserror::Error)]
pub enum TriggerError {
    /// A person must mend the template.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// The API server did not do it.
    #[error("{what}: {error}")]
    Cluster {
        /// What was asked.
        what: String,
        /// Its answer.
        error: Box<kube::Error>,
    },
    /// The backend did not do it.
    #[error("the backend did not tell the session {session} its prompt: {reason}")]
    Backend {
        /// The session.
        session: String,
        /// Its answer.
        reason: String,
    },
}

/// Starts what is due, and says what it did.
///
/// # Errors
/// When the template is wrong, or the cluster or the backend refuses.
pub async fn trigger(client: &Client, schedule: &Schedule) -> Result<String, TriggerError> {
    let template = plan::template(&schedule.template)?;
    for path in &template.left_out {
        tracing::warn!(field = %path, "SESSION_TEMPLATE has a field that sessions do not have; it is left out");
    }
    let api = Api::<AgenticSession>::namespaced(client.clone(), &schedule.namespace);
    let prompt = template.spec.initial_prompt.clone().filter(|prompt| !prompt.is_empty());
    let known = if schedule.reuse { of_schedule(&api, schedule).await? } else { Vec::new() };
    match plan::reuse(&known, prompt.as_deref()) {
        Reuse::Leave(name) => Ok(format!("the session {name} runs, and there is no prompt to tell it")),
        Reuse::Tell(name) => tell(schedule, &name, prompt.as_deref().unwrap_or_default()).await,
        Reuse::Resume(name) => resume(&api, &name, prompt.as_deref()).await,
        Reuse::Create => {
            let session = plan::session(template.spec, &schedule.namespace, &schedule.name, Timestamp::now())?;
            let name = session.name_any();
            let created = api.create(&PostParams::default(), &session).await;
            created.map_err(|error| cluster(format!("create the session {name}"), error))?;
            Ok(format!("created the session {name}"))
        }
    }
}

fn cluster(what: String, error: kube::Error) -> TriggerError {
    TriggerError::Cluster { what, error: Box::new(error) }
}

async fn of_schedule(api: &Api<AgenticSession>, schedule: &Schedule) -> Result<Vec<AgenticSession>, TriggerError> {
    let params = ListParams::default().labels(&format!("{SCHEDULE}={}", schedule.name));
    let listed = api.list(&params).await;
    Ok(listed.map_err(|error| cluster(format!("list the sessions of {}", schedule.name), error))?.items)
}

/// Has a session that rests start again, with the prompt.
async fn resume(api: &Api<AgenticSession>, name: &str, prompt: Option<&str>) -> Result<String, TriggerError> {
    let failed = |error| cluster(format!("start the session {name} again"), error);
    let mut conflicts = 0;
    loop {
        let mut session = api.get(name).await.map_err(failed)?;
        let annotations = session.annotations_mut();
        annotations.insert(DESIRED_PHASE.to_owned(), "Running".to_owned());
        annotations.insert(REQUESTED_AT.to_owned(), Timestamp::now().to_string());
        if let Some(prompt) = prompt {
            annotations.insert(FORCE_PROMPT.to_owned(), "true".to_owned());
            session.spec.initial_prompt = Some(prompt.to_owned());
        }
        match api.replace(name, &PostParams::default(), &session).await {
            Ok(_) => return Ok(format!("the session {name} starts again")),
            Err(kube::Error::Api(status)) if status.code == 409 && conflicts < CONFLICTS => conflicts += 1,
            Err(error) => return Err(failed(error)),
        }
    }
}

/// Has the backend tell a running session, so that people see it there.
async fn tell(schedule: &Schedule, session: &str, prompt: &str) -> Result<String, TriggerError> {
    let failed = |reason: String| TriggerError::Backend { session: session.to_owned(), reason };
    let token = tokio::fs::read_to_string(&schedule.token).await;
    let token = token.map_err(|error| failed(format!("{}: {error}", schedule.token.display())))?;
    let url = format!("{}/projects/{}/agentic-sessions/{session}/agui/run", schedule.backend, schedule.namespace);
    let now = Timestamp::now();
    let body = json!({
        "threadId": session,
        "runId": format!("scheduled-{}", now.as_second()),
        "messages": [{ "id": format!("scheduled-msg-{}", now.as_nanosecond()), "role": "user", "content": prompt }],
    });
    let http = reqwest::Client::builder().no_proxy().timeout(ANSWER).build();
    let http = http.map_err(|error| failed(error.to_string()))?;
    let request = http.post(url).bearer_auth(token.trim()).header("content-type", "application/json");
    let answer =
        request.body(body.to_string()).send().await.map_err(|error| failed(error.without_url().to_string()))?;
    if !answer.status().is_success() {
        return Err(failed(format!("it answered {}", answer.status())));
    }
    Ok(format!("told the session {session} its prompt"))
}
