//! One Run, from the moment it is written to its end.

use std::time::Duration;

use futures_util::{Stream, StreamExt};
use jiff::Timestamp;
use kube::{
    Api,
    runtime::{WatchStreamExt, wait::await_condition, watcher::watch_object},
};

use super::{
    super::{
        RunError,
        job::session_name,
        output::Output,
        signals::Interrupts,
        status::{had_its_turn, observed},
    },
    connect::Cluster,
    error::ClusterError,
    plan,
};
use crate::{
    agui::EventKind,
    api::{AgenticSession, Run},
    cli::gateway::feed::{Feed, Piece, path},
    eventlog::Record,
    fold::Fold,
};

/// How long the status of a Run may take after its last event: it is written when nothing of it can be lost any more.
const SETTLED: Duration = Duration::from_mins(1);

/// How following a Run came to its end.
pub(super) enum Followed {
    /// The Run ended.
    ByItself(Box<Run>),
    /// A person cancelled it, and it ended.
    Interrupted(Box<Run>),
    /// A person interrupted twice, and it may be going still.
    Twice,
}

/// Shows a Run's events until its last one. The first interrupt cancels it.
pub(super) async fn follow(
    cluster: &Cluster,
    output: &mut Output,
    session: &AgenticSession,
    run: &Run,
    interrupts: &mut Interrupts,
) -> Result<Followed, RunError> {
    let name = run.metadata.name.as_deref().unwrap_or_default();
    let left = |error| ClusterError::Left { run: format!("{}/{name}", cluster.namespace), error };
    let mut feed = Feed::new(&cluster.gateway, path(&["runs", name], &cluster.namespace).map_err(left)?, 0, Vec::new());
    let mut waits = std::pin::pin!(waits(cluster.api(), session_name(session)));
    let mut shown = Shown::default();
    let mut interrupted = false;
    loop {
        tokio::select! {
            piece = feed.next() => match piece.map_err(left)? {
                Piece::Record(record) => {
                    shown.record(&record, output);
                    if record.event.kind.is_terminal() {
                        break;
                    }
                }
                Piece::Ended if over(cluster, name).await? => break,
                Piece::Ended => {}
                Piece::Broken(error) => output.notice(&format!("… {error}; trying again")),
            },
            Some(message) = waits.next(), if !shown.begun => shown.waits(&message, output),
            () = interrupts.next() => {
                if std::mem::replace(&mut interrupted, true) {
                    return Ok(Followed::Twice);
                }
                output.notice("cancelling… (again to leave it)");
                let cancelled = tokio::select! {
                    cancelled = cluster.cancel(name) => cancelled,
                    () = interrupts.next() => return Ok(Followed::Twice),
                };
                if let Err(error) = cancelled {
                    // It is followed all the same.
                    output.notice(&format!("{error}; the Run is not cancelled"));
                }
            }
        }
    }
    let ended = tokio::select! {
        ended = settled(cluster, run, &shown.fold) => Box::new(ended),
        () = interrupts.next() => return Ok(Followed::Twice),
    };
    Ok(if interrupted { Followed::Interrupted(ended) } else { Followed::ByItself(ended) })
}

/// What was shown of a Run.
#[derive(Default)]
struct Shown {
    fold: Fold,
    begun: bool,
    waits: String,
}

impl Shown {
    fn record(&mut self, record: &Record, output: &mut Output) {
        self.begun |= matches!(record.event.kind, EventKind::RunStarted { .. });
        self.fold.apply(record.seq, record.at, &record.event);
        output.record(record);
    }

    fn waits(&mut self, message: &str, output: &mut Output) {
        if self.waits != message {
            output.waits(message);
            message.clone_into(&mut self.waits);
        }
    }
}

/// Why the session takes no Runs yet, whenever that changes. Somebody who may not watch it is told nothing.
fn waits(api: Api<AgenticSession>, name: &str) -> impl Stream<Item = String> {
    let seen = watch_object(api, name).default_backoff();
    seen.filter_map(|session| {
        let session = session.ok().flatten();
        std::future::ready(session.as_ref().and_then(plan::waits_for).map(str::to_owned))
    })
}

/// Whether nothing of a Run follows: it has had its turn, or it was deleted.
async fn over(cluster: &Cluster, name: &str) -> Result<bool, ClusterError> {
    Ok(cluster.get::<Run>(name).await?.is_none_or(|run| had_its_turn(&run)))
}

/// The Run with its last status. Where that does not come, or the Run is gone, the events tell.
async fn settled(cluster: &Cluster, run: &Run, fold: &Fold) -> Run {
    let name = run.metadata.name.as_deref().unwrap_or_default();
    let is_over = |run: Option<&Run>| run.is_none_or(had_its_turn);
    let seen = tokio::time::timeout(SETTLED, await_condition(cluster.api(), name, is_over)).await;
    if let Ok(Ok(Some(run))) = seen {
        return run;
    }
    let mut told = run.clone();
    observed(&mut told, fold.status(), Timestamp::now());
    told
}
