//! The operator: sessions become pods, Runs become turns, and the truth about both goes back into their status.
//!
//! A reconcile looks at what the watches have seen, decides in a pure function, acts, and writes one status, only where
//! something changes.

mod apply;
mod archive;
mod change;
mod config;
mod context;
mod error;
pub mod gateway;
mod guard;
mod health;
mod history;
mod index;
mod ingest;
mod inputs;
mod keeping;
mod kept;
mod lean;
mod lease;
mod metrics;
mod pods_first;
mod registry;
mod release;
mod retention;
mod retire;
mod run;
mod scope;
mod session;
mod settings;
mod stores;
mod tell;
pub mod trigger;
mod wake;
mod write;
mod written;

use std::{
    convert::Infallible,
    fmt::Debug,
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::{FutureExt, StreamExt, stream};
use kube::{
    Client, Resource, ResourceExt,
    runtime::{
        applier,
        controller::{self, Action},
        reflector::{ObjectRef, Store},
    },
};
use tokio::{net::TcpListener, sync::mpsc, task::JoinSet};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

pub use self::{
    archive::{Bucket, BucketError, RestoreError},
    config::{Config, Deadlines, Platform, Policy, Vertex},
    metrics::{CountRequests, Counted, Metrics},
};
use self::{
    context::Context,
    error::OperatorError,
    guard::{Broken, Fault},
    history::History,
    ingest::{Begun, Ingest},
    lease::Candidate,
    metrics::{Objects, Waiting},
    pods_first::PodsFirst,
    retention::Nonsense,
    stores::{Memory, stores, watch},
    tell::Teller,
    wake::{Asked, Wakers},
};

use crate::eventlog::LogError;

/// How many objects of a kind are worked on at once. Most of them wait for the API server, and [`PodsFirst`] says who goes first.
const CONCURRENCY: u16 = 256;
/// When what failed in passing is tried again.
const RETRY: Duration = Duration::from_millis(500);
/// How long connecting to a runner may take.
const CONNECT: Duration = Duration::from_secs(5);

/// How long what has begun may take to its end when the operator is told to stop.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// Where an operator answers.
#[derive(Debug)]
pub struct Listeners {
    /// What sessions do, for clients.
    pub gateway: gateway::Endpoint,
    /// `/healthz` and `/readyz`
    pub health: TcpListener,
    /// `/metrics`
    pub metrics: TcpListener,
}

/// Why an operator ended before it was told to.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The event store is somebody else's, or not writable.
    #[error("the event store (--event-store): {0}")]
    Store(#[from] LogError),
    /// What was kept is not here, so nothing may go on.
    #[error("the event store (--event-store): {0}")]
    Restore(#[from] RestoreError),
    /// Another operator keeps the same sessions' events, so this one must not.
    #[error(
        "the event store (--event-store) has {object}, which another operator wrote: this one ends; let only one operator use \
         that prefix (--leader-elect), then it goes on from there when it starts again"
    )]
    Taken {
        /// What is not this operator's.
        object: String,
    },
    /// The HTTP client for runners cannot be made.
    #[error(transparent)]
    Http(#[from] reqwest::Error),
    /// Another operator may reconcile by now, so this one must not.
    #[error("the lease was lost; another operator goes on")]
    LeaseLost,
}

/// Reconciles until it is told to stop, then ends what it has begun. With leader election only while the lease is its own.
pub async fn run(
    client: Client,
    config: Config,
    listeners: Listeners,
    metrics: Metrics,
    stop: CancellationToken,
) -> Result<(), StartError> {
    let mut tasks = JoinSet::new();
    let ready = CancellationToken::new();
    tasks.spawn(health::serve(listeners.health, ready.clone()));
    tasks.spawn(metrics::serve(listeners.metrics, metrics.clone()));
    let Some(mut candidate) = stand_by(&client, &config, &metrics, &ready, &stop).await else {
        return Ok(());
    };
    let Setup { context, wakers, asked, faults, begun } = set_up(&client, config, &metrics, &mut tasks)?;
    let work = Work { stop, tracker: TaskTracker::new() };
    let all = async {
        context.history.restore().await?;
        tokio::join!(context.stores.ready(), context.inputs.ready(), context.projects.ready(&context.config));
        wakers.open();
        tasks.spawn(gateway::serve(listeners.gateway, Arc::clone(&context)));
        if !ready.is_cancelled() {
            ready.cancel();
            tracing::info!("ready");
        }
        tasks.spawn(guard::tell(client, faults));
        let rest = async { tokio::join!(run::adopt::adopt(begun, &context), retention::keep_in_time(&context)) };
        tokio::join!(reconcile(asked, &wakers, &context, &work), rest);
        Ok::<(), StartError>(())
    };
    tokio::select! {
        result = all => result?,
        () = work.ended() => {}
        object = context.history.taken() => return Err(StartError::Taken { object }),
        () = lost(candidate.as_mut()) => {
            metrics.leads(false);
            return Err(StartError::LeaseLost);
        }
    }
    // People are told to the end what has happened, and it is kept.
    let last_words = async { tokio::join!(context.teller.all_told(), context.history.finish()) };
    tokio::time::timeout(LAST_WORDS, last_words).await.ok();
    tasks.shutdown().await;
    context.history.close();
    if let Some(candidate) = &mut candidate {
        candidate.release().await;
    }
    Ok(())
}

/// What an operator works with.
struct Setup {
    context: Arc<Context>,
    wakers: Wakers,
    asked: Asked,
    faults: mpsc::UnboundedReceiver<Fault>,
    begun: mpsc::UnboundedReceiver<Begun>,
}

/// Opens the event store, and begins to watch.
fn set_up(client: &Client, config: Config, metrics: &Metrics, tasks: &mut JoinSet<()>) -> Result<Setup, StartError> {
    let (to_faults, faults) = mpsc::unbounded_channel();
    let (stores, writers) = stores();
    let (projects, project_writers) = settings::stores::stores();
    let (wakers, asked) = Wakers::new(&stores, &projects);
    // Nothing but a runner's own address is ever asked.
    let http = reqwest::Client::builder().no_proxy().connect_timeout(CONNECT).build()?;
    let history = Arc::new(History::open(&config.event_store, config.event_bucket.clone())?);
    let (to_begun, begun) = mpsc::unbounded_channel();
    let ingest = Arc::new(Ingest::new(Arc::clone(&history), http.clone(), to_begun));
    let memory = Memory::new(Arc::clone(&ingest));
    let broken = Broken::new(to_faults);
    watch(client, &config, writers, &memory, &wakers, &broken, tasks);
    settings::stores::watch(client, &config, &projects, project_writers, &wakers, &broken, tasks);
    let inputs = inputs::watch(client, &config, &wakers, tasks);
    metrics.watch(Objects {
        sessions: stores.sessions.clone(),
        runs: stores.runs.clone(),
        waiting_sessions: wakers.waiting_sessions.clone(),
        waiting_runs: wakers.waiting_runs.clone(),
    });
    let (teller, telling) = Teller::new(client);
    tasks.spawn(telling);
    let context = Arc::new(Context {
        teller,
        pods_first: PodsFirst::default(),
        nonsense: Nonsense::default(),
        client: client.clone(),
        config,
        stores,
        index: wakers.index.clone(),
        broken,
        metrics: metrics.clone(),
        inputs,
        sessions: memory.sessions,
        runs: memory.runs,
        pods: memory.pods,
        children: memory.children,
        followers: memory.followers,
        http,
        history,
        ingest,
        wake_run: wakers.of_runs(),
        projects,
        settings: memory.settings,
        drifts: memory.drifts,
        wake_session: wakers.of_sessions(),
        made: std::sync::Mutex::default(),
    });
    Ok(Setup { context, wakers, asked, faults, begun })
}

/// Reconciles all kinds as they are asked for.
async fn reconcile(asked: Asked, wakers: &Wakers, context: &Arc<Context>, work: &Work) {
    let Asked { sessions, runs, settings, namespaces } = asked;
    let stores = &context.stores;
    let sessions = drive(sessions, &stores.sessions, &wakers.waiting_sessions, context, work, session::reconcile);
    let runs = drive(runs, &stores.runs, &wakers.waiting_runs, context, work, run::reconcile);
    let nobody = Waiting::default();
    let settings = drive(settings, &stores.settings, &nobody, context, work, settings::reconcile);
    let nobody = Waiting::default();
    let known = &context.projects.namespaces;
    let namespaces = drive(namespaces, known, &nobody, context, work, settings::reconcile_namespace);
    tokio::join!(sessions, runs, settings, namespaces);
}

/// Until this operator is to reconcile, with its lease if it has to have one; none when it is told to stop before.
async fn stand_by(
    client: &Client,
    config: &Config,
    metrics: &Metrics,
    ready: &CancellationToken,
    stop: &CancellationToken,
) -> Option<Option<Candidate>> {
    let mut candidate = None;
    if let Some(identity) = config.leader_elect.clone() {
        // Who stands by is ready to.
        ready.cancel();
        tracing::info!("ready");
        let standing_by = candidate.insert(Candidate::new(client.clone(), &config.namespace, identity));
        tokio::select! {
            () = standing_by.acquire() => {}
            () = stop.cancelled() => return None,
        }
    }
    metrics.leads(true);
    tracing::info!("reconciling");
    Some(candidate)
}

/// Until the lease is lost, if there is one.
async fn lost(candidate: Option<&mut Candidate>) {
    match candidate {
        Some(candidate) => candidate.keep().await,
        None => std::future::pending().await,
    }
}

/// The reconciles that have begun.
struct Work {
    stop: CancellationToken,
    tracker: TaskTracker,
}

impl Work {
    /// Until somebody has said stop, and what had begun by then is over.
    async fn ended(&self) {
        self.stop.cancelled().await;
        self.tracker.close();
        if tokio::time::timeout(LAST_WORDS, self.tracker.wait()).await.is_err() {
            tracing::warn!("a reconcile does not end; the next operator goes on with it");
        }
    }
}

/// Reconciles the objects of a kind as they are asked for, each one at a time.
async fn drive<K, F, R>(
    queue: mpsc::UnboundedReceiver<ObjectRef<K>>,
    store: &Store<K>,
    waiting: &Waiting<K>,
    context: &Arc<Context>,
    work: &Work,
    reconcile: F,
) where
    K: Resource<DynamicType = ()> + Clone + Debug + 'static,
    F: Fn(Arc<K>, Arc<Context>) -> R,
    R: Future<Output = Result<Action, OperatorError>> + Send + 'static,
{
    let queue =
        stream::unfold(
            queue,
            |mut queue| async move { queue.recv().await.map(|next| (Ok::<_, Infallible>(next), queue)) },
        );
    let config = controller::Config::default().concurrency(CONCURRENCY);
    let one = |object: Arc<K>, context: Arc<Context>| {
        let waited = waiting.take(&ObjectRef::from_obj(&*object));
        let nothing = std::future::ready(Ok(Action::await_change()));
        if work.stop.is_cancelled() || is_broken(&*object, &context) {
            return nothing.boxed();
        }
        let metrics = context.metrics.clone();
        // In a box of its own, or it would have its room twice: before it is polled and while it is.
        let reconcile = reconcile(object, context).boxed();
        let measured = async move {
            if let Some(waited) = waited {
                metrics.waited(kind::<K>(), waited);
            }
            let begun = Instant::now();
            let result = reconcile.await;
            metrics.reconciled(kind::<K>(), &result, begun.elapsed());
            result
        };
        work.tracker.track_future(measured).boxed()
    };
    let all = applier(one, again, Arc::clone(context), store.clone(), queue, config);
    all.for_each(|result| {
        match result {
            Ok(_) => {}
            // An object that is gone has nothing to reconcile.
            Err(controller::Error::ObjectNotFound(gone)) => {
                waiting.take(&ObjectRef::new(&gone.name).within(gone.namespace.as_deref().unwrap_or_default()));
            }
            Err(error) => tracing::warn!(%error, "a reconcile failed and is tried again"),
        }
        std::future::ready(())
    })
    .await;
}

fn is_broken<K: Resource<DynamicType = ()>>(object: &K, context: &Context) -> bool {
    context.broken.has::<K>(&object.namespace().unwrap_or_default(), &object.name_any())
}

/// The label of a kind in metrics.
fn kind<K: Resource<DynamicType = ()>>() -> &'static str {
    if K::plural(&()) == "runs" { "run" } else { "session" }
}

fn again<K>(_: Arc<K>, error: &OperatorError, _: Arc<Context>) -> Action {
    match error {
        OperatorError::Refused { .. } => Action::requeue(RETRY * 60),
        OperatorError::Retry { .. } | OperatorError::Store(_) => Action::requeue(RETRY),
    }
}
