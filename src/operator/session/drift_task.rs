//! Telling runners what has changed in the manifests of their sessions. A reconcile never waits for a runner: a task tells it, and
//! the session is looked at again when it has answered.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use kube::{ResourceExt, runtime::reflector::ObjectRef};
use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio::task::AbortHandle;

use super::{
    drift::{Change, Failure, Tried, again, changes, due},
    evidence::{self, PodState},
    view::View,
};
use crate::{api::AgenticSession, operator::context::Context, security::Secret};

/// Has a session reconciled.
pub(in crate::operator) type Wake = Arc<dyn Fn(ObjectRef<AgenticSession>) + Send + Sync>;

/// The header with the token.
const TOKEN: &str = "x-ambient-session-token";
/// How long a runner may take for one change: a clone has 15 minutes of its own.
const ANSWER: Duration = Duration::from_mins(16);

/// What a runner was told about the session's workspace, and what it said.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::operator) struct Told {
    /// It is being told something.
    pub(in crate::operator) going: bool,
    /// What it said before. What it has done since the status was written last, and every change that failed.
    pub(in crate::operator) tried: Vec<Tried>,
}

/// One conversation with each runner that is to change its workspace.
#[derive(Debug, Default)]
pub(in crate::operator) struct Drifts(Mutex<HashMap<String, Drift>>);

#[derive(Debug, Default)]
struct Drift {
    pod: Option<String>,
    told: Told,
    task: Option<AbortHandle>,
}

impl Drop for Drift {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

impl Drifts {
    /// What was said to a pod of the session, and by it.
    pub(in crate::operator) fn told(&self, session: &AgenticSession, pod: Option<&str>) -> Told {
        let drifts = self.lock();
        let drift = drifts.get(&session.uid().unwrap_or_default()).filter(|drift| drift.pod.as_deref() == pod);
        drift.map(|drift| drift.told.clone()).unwrap_or_default()
    }

    /// The session is gone.
    pub(in crate::operator) fn forget(&self, session: &AgenticSession) {
        self.lock().remove(&session.uid().unwrap_or_default());
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Drift>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What succeeded is in the status by now, so nobody has to know it any more.
    fn written(&self, session: &AgenticSession, known: &[Tried]) {
        if let Some(drift) = self.lock().get_mut(&session.uid().unwrap_or_default()) {
            drift.told.tried.retain(|tried| tried.result.is_err() || !known.contains(tried));
        }
    }

    /// Keeps what the runner said, in place of what it said to the same before.
    fn answered(&self, session: &str, pod: Option<&str>, answers: Vec<Tried>) {
        if let Some(drift) = self.lock().get_mut(session).filter(|drift| drift.pod.as_deref() == pod) {
            let told = &mut drift.told;
            told.going = false;
            told.tried.retain(|old| !answers.iter().any(|new| new.change == old.change));
            told.tried.extend(answers);
            drift.task = None;
        }
    }
}

/// Where a runner is.
#[derive(Debug, Clone)]
struct Target {
    /// `http://IP:PORT`
    url: String,
    token: Secret,
}

/// Tells the session's runner what is due, if anything is and it is not being told already. The status of the view is written:
/// it holds what was said before and what is to be said. Says when the next of it is due.
pub(super) fn go_on(view: &View, context: &Context, now: Timestamp) -> Option<Timestamp> {
    let pod = view.pod.as_deref().filter(|_| view.owns_pod())?;
    let settled = view.status().reconciled_pod == pod.uid();
    if view.told.going || !settled || evidence::state(Some(pod)) != PodState::Ready {
        return None;
    }
    let left = changes(view.status(), &view.session.spec);
    context.drifts.written(&view.session, &view.told.tried);
    if left.is_empty() {
        context.drifts.forget(&view.session);
        return None;
    }
    let (now_due, next) = due(left, &view.told.tried, now);
    if now_due.is_empty() {
        return next;
    }
    let target = target(view, context)?;
    tell(view, now_due, target, context);
    None
}

fn target(view: &View, context: &Context) -> Option<Target> {
    let address = view.pod.as_ref()?.status.as_ref()?.pod_ip.clone()?;
    let token = context.token_of(&view.session)?;
    let host = if address.contains(':') { format!("[{address}]") } else { address };
    Some(Target { url: format!("http://{host}:{}", view.settings(&context.config).port), token })
}

fn tell(view: &View, changes: Vec<Change>, target: Target, context: &Context) {
    let uid = view.session.uid().unwrap_or_default();
    let pod = view.pod.as_ref().and_then(|pod| pod.uid());
    let mut drifts = context.drifts.lock();
    // What succeeded is in the status by now.
    let tried: Vec<Tried> = view.told.tried.iter().filter(|tried| tried.result.is_err()).cloned().collect();
    let told = Told { going: true, tried: tried.clone() };
    let (all, http, wake) = (Arc::clone(&context.drifts), context.http.clone(), Arc::clone(&context.wake_session));
    let (reference, session, of) = (ObjectRef::from_obj(&*view.session), uid.clone(), pod.clone());
    let work = async move {
        let mut answers = Vec::with_capacity(changes.len());
        for change in changes {
            let result = ask(&http, &target, &change, &tried).await;
            answers.push(Tried { change, result });
        }
        all.answered(&session, of.as_deref(), answers);
        wake(reference);
    };
    let task = tokio::spawn(work).abort_handle();
    drifts.insert(uid, Drift { pod, told, task: Some(task) });
}

async fn ask(http: &reqwest::Client, target: &Target, change: &Change, tried: &[Tried]) -> Result<(), Failure> {
    let Err((message, is_final)) = post(http, target, change).await else {
        return Ok(());
    };
    let before = super::drift::failure(change, tried);
    let number = before.map_or(1, |failure| failure.tries.saturating_add(1));
    let again = if is_final { None } else { again(number, Timestamp::now()) };
    Err(Failure { message: format!("{}: {message}", called(change)), tries: number, again })
}

/// What a message begins with.
fn called(change: &Change) -> String {
    match change {
        Change::Remove { name } => format!("repository {name}"),
        Change::Add(repo) => format!("repository {}", repo.folder()),
        Change::Workflow(_) => "workflow".to_owned(),
    }
}

fn request(change: &Change) -> (&'static str, Value) {
    match change {
        Change::Remove { name } => ("/repos/remove", json!({ "name": name })),
        Change::Add(repo) => {
            let branch = repo.branch.as_deref().unwrap_or_default();
            let body = json!({ "url": repo.url, "branch": branch, "name": repo.folder(), "autoPush": repo.auto_push });
            ("/repos/add", body)
        }
        Change::Workflow(workflow) => {
            let (url, path) = (workflow.git_url.as_deref().unwrap_or_default(), workflow.path.as_deref());
            ("/workflow", json!({ "gitUrl": url, "branch": workflow.branch, "path": path.unwrap_or_default() }))
        }
    }
}

/// An error is the runner's word, and whether it is its last.
async fn post(http: &reqwest::Client, target: &Target, change: &Change) -> Result<(), (String, bool)> {
    let (path, body) = request(change);
    let request = http.post(format!("{}{path}", target.url)).header(TOKEN, target.token.expose()).timeout(ANSWER);
    let request = request.header("content-type", "application/json").body(body.to_string());
    let answer = async {
        let response = request.send().await?;
        Ok::<_, reqwest::Error>((response.status(), response.text().await?))
    };
    match answer.await {
        Ok((status, _)) if status.is_success() => Ok(()),
        // It is not there, which is what was wanted.
        Ok((StatusCode::NOT_FOUND, _)) if matches!(change, Change::Remove { .. }) => Ok(()),
        Ok((status, text)) => Err((detail(&text), is_final(status))),
        Err(error) => Err((format!("the runner cannot be reached: {}", error.without_url()), false)),
    }
}

/// What the runner refuses for what it is. A conflict may pass: what is not committed now may be later.
fn is_final(status: StatusCode) -> bool {
    let later =
        [StatusCode::REQUEST_TIMEOUT, StatusCode::TOO_MANY_REQUESTS, StatusCode::UNAUTHORIZED, StatusCode::CONFLICT];
    status.is_client_error() && !later.contains(&status)
}

/// What `{"detail": …}` says.
fn detail(text: &str) -> String {
    let parsed: Option<Value> = serde_json::from_str(text).ok();
    let detail = parsed.as_ref().and_then(|body| body.get("detail"));
    let said = detail.map(|detail| detail.as_str().map_or_else(|| detail.to_string(), str::to_owned));
    said.unwrap_or_else(|| text.chars().take(200).collect())
}
