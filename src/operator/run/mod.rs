//! Runs: each is given to its session's runner once, and its status says what became of it.

pub(super) mod adopt;
pub(super) mod first;
pub(super) mod followers;
pub(super) mod plan;
pub(super) mod queue;
pub(super) mod view;

mod crash;
#[cfg(test)]
mod crash_tests;
mod follow;
#[cfg(test)]
mod question_tests;
#[cfg(test)]
mod simulation;
mod status;
#[cfg(test)]
mod tests;

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use kube::{
    ResourceExt,
    runtime::{controller::Action, reflector::ObjectRef},
};
use serde_json::json;

pub(super) use self::status::run_id;
use self::{
    follow::Target,
    plan::{Next, plan},
    view::View,
};
use super::{context::Context, error::OperatorError, keeping::Later, retire, session, write};
use crate::{
    agui::Id,
    api::{Run, outcome::OutcomeReason},
    fold::{self, Fold},
};

/// Has a Run reconciled.
pub(super) type Wake = Arc<dyn Fn(ObjectRef<Run>) + Send + Sync>;

/// How soon a runner that could not be reached is tried again.
const SOON: Duration = Duration::from_secs(1);

/// Brings a Run a step further.
pub(super) async fn reconcile(run: Arc<Run>, context: Arc<Context>) -> Result<Action, OperatorError> {
    if !context.projects.is_ours(&context.config, &run.namespace().unwrap_or_default()) {
        return Ok(Action::await_change());
    }
    let mut view = context.run_view(run);
    if view.run.metadata.deletion_timestamp.is_some() {
        context.followers.forget(&view.run);
        return Ok(Action::await_change());
    }
    if view.session.is_none() && context.has_broken_session(&view.run) {
        // It is there, though nobody can read it: that is said of the session.
        return Ok(Action::await_change());
    }
    let now = Timestamp::now();
    let mut next = plan(&view, &context.config, now);
    if let Next::Lost { reason, message } = next {
        match last_words(&view, reason, message, &context).await? {
            LastWords::Are(last) => next = last,
            // What its runner still has to say is worth a moment.
            LastWords::MayCome => return Ok(Action::requeue(SOON)),
            LastWords::Uploading(later) => {
                wake_after(later, &view, &context);
                return Ok(Action::await_change());
            }
        }
    }
    view.run = write_status(&view, &next, &context, now).await?;
    if next == Next::Start {
        // Only now that it is written down whose Run it is, the runner hears of it.
        next = plan(&view, &context.config, now);
    }
    carry_out(&view, &next, &context).await
}

/// What is kept of a Run whose pod is gone.
enum LastWords {
    /// It is all that will be.
    Are(Next),
    /// Its runner may still say something.
    MayCome,
    /// It has an end that could still be lost.
    Uploading(Later),
}

/// The Run goes on when its end cannot be lost any more; nothing of it is asked of anybody until then.
fn wake_after(later: Later, view: &View, context: &Context) {
    let (wake, run) = (Arc::clone(&context.wake_run), ObjectRef::from_obj(&*view.run));
    tokio::spawn(async move {
        later.comes().await;
        wake(run);
    });
}

/// What is kept of a Run whose pod is gone is its truth; one that has no end gets it now.
async fn last_words(
    view: &View,
    reason: OutcomeReason,
    message: String,
    context: &Context,
) -> Result<LastWords, OperatorError> {
    let Some(session) = session_uid(view) else { return Ok(LastWords::Are(Next::End { reason, message })) };
    let pod = view.status().runner.map(|runner| runner.uid).unwrap_or_default();
    if context.ingest.is_heard(&session, &pod) {
        return Ok(LastWords::MayCome);
    }
    let (thread, id) = (Id::from(queue::thread(&view.run)), Id::from(status::run_id(&view.run)));
    context.history.end(&session, &thread, &id, (reason, &message)).await?;
    if let Some(later) = context.history.unsafe_end(&session, &thread, &id)? {
        return Ok(LastWords::Uploading(later));
    }
    let fold = context.history.fold(&session, &thread, &id)?.filter(Fold::is_over);
    Ok(LastWords::Are(fold.map_or(Next::End { reason, message }, |fold| plan::taken(view, &fold.status()))))
}

/// The session that the Run was given to, also when that is gone.
fn session_uid(view: &View) -> Option<String> {
    view.session.as_ref().and_then(|session| session.uid()).or_else(|| view.status().runner?.session)
}

async fn carry_out(view: &View, next: &Next, context: &Context) -> Result<Action, OperatorError> {
    match next {
        Next::Nothing | Next::End { .. } | Next::Lost { .. } => {
            context.followers.forget(&view.run);
            return retire::run(&view.run, context).await;
        }
        Next::Ask { until } => {
            context.followers.forget(&view.run);
            if let Some(until) = until {
                let rest = Duration::try_from(until.duration_since(Timestamp::now())).unwrap_or_default();
                return Ok(Action::requeue(rest));
            }
        }
        Next::Wait { until: Some(until), .. } | Next::Linger { until } => {
            let rest = Duration::try_from(until.duration_since(Timestamp::now())).unwrap_or_default();
            return Ok(Action::requeue(rest));
        }
        Next::Take(seen) if seen.phase.is_terminal() => context.followers.forget(&view.run),
        Next::Take(_) | Next::Wait { until: None, .. } | Next::Start => {}
        Next::Follow { cancel } => return listen(view, *cancel, context).await,
    }
    Ok(Action::await_change())
}

async fn listen(view: &View, cancel: bool, context: &Context) -> Result<Action, OperatorError> {
    let Some(target) = target(view, context) else {
        return Ok(Action::requeue(SOON));
    };
    let wake = Arc::clone(&context.wake_run);
    let log = || context.log_of(view);
    context.followers.follow(&view.run, &context.http, target, wake, log)?;
    if cancel && !context.followers.interrupt(&view.run, &context.http).await {
        return Ok(Action::requeue(SOON));
    }
    Ok(Action::await_change())
}

/// Where the Run's runner is; none while its pod has no address.
fn target(view: &View, context: &Context) -> Option<Target> {
    let address = view.own_pod()?.status.as_ref()?.pod_ip.clone()?;
    let token = context.token_of(view.session.as_ref()?)?;
    let port = view.own_pod().and_then(|pod| session::inputs::port(pod)).unwrap_or(context.config.port);
    let host = if address.contains(':') { format!("[{address}]") } else { address };
    let run = &view.run;
    let spec = &run.spec;
    let is_there = adopt::is_adopted(run);
    let input = fold::input(Id::from(queue::thread(run)), Id::from(status::run_id(run)), spec);
    let options = json!({ "timeoutSeconds": spec.timeout, "model": spec.model, "outputSchema": spec.output_schema });
    Some(Target { url: format!("http://{host}:{port}"), token, input, options, is_there })
}

async fn write_status(view: &View, next: &Next, context: &Context, now: Timestamp) -> Result<Arc<Run>, OperatorError> {
    let Some(status) = status::status(view, next, now) else {
        return Ok(Arc::clone(&view.run));
    };
    let run = Run { status: Some(status), ..(*view.run).clone() };
    let written = context.runs.remember(write::status(&context.client, &run).await?);
    context.tell_run(&view.run, &written);
    Ok(written)
}
