//! The operator: sessions become pods, Runs become turns, and the truth about both goes back into their status.
//!
//! A reconcile looks at what the watches have seen, decides in a pure function, acts, and writes one status, only where
//! something changes.

mod apply;
mod config;
mod context;
mod error;
mod health;
mod index;
mod inputs;
mod lean;
mod registry;
mod release;
mod retire;
mod run;
mod scope;
mod session;
mod settings;
mod stores;
pub mod trigger;
mod wake;
mod write;
mod written;

use std::{convert::Infallible, fmt::Debug, sync::Arc, time::Duration};

use futures_util::{FutureExt, StreamExt, stream};
use kube::{
    Client, Resource,
    runtime::{
        applier,
        controller::{self, Action},
        events::{Recorder, Reporter},
        reflector::{ObjectRef, Store},
    },
};
use tokio::{net::TcpListener, sync::mpsc, task::JoinSet};
use tokio_util::sync::CancellationToken;

pub use self::config::{Config, Deadlines, Platform, Policy, Vertex};
use self::{
    context::Context,
    error::OperatorError,
    index::Index,
    stores::{Memory, stores, watch},
    wake::Wakers,
};

/// How many objects of a kind are worked on at once.
const CONCURRENCY: u16 = 32;
/// When what failed in passing is tried again.
const RETRY: Duration = Duration::from_millis(500);
/// How long connecting to a runner may take.
const CONNECT: Duration = Duration::from_secs(5);

/// Reconciles until it is told to stop. `health` answers `/healthz` and `/readyz`.
///
/// # Errors
/// When the HTTP client for runners cannot be made.
pub async fn run(client: Client, config: Config, health: TcpListener, stop: CancellationToken) -> reqwest::Result<()> {
    let (to_sessions, sessions) = mpsc::unbounded_channel();
    let (to_runs, runs) = mpsc::unbounded_channel();
    let (to_settings, settings_asked) = mpsc::unbounded_channel();
    let (to_namespaces, namespaces_asked) = mpsc::unbounded_channel();
    let (stores, writers) = stores();
    let (projects, project_writers) = settings::stores::stores();
    let wakers = Wakers {
        sessions: to_sessions,
        runs: to_runs,
        settings: to_settings,
        namespaces: to_namespaces,
        session_store: stores.sessions.clone(),
        run_store: stores.runs.clone(),
        settings_store: stores.settings.clone(),
        namespace_store: projects.namespaces.clone(),
        index: Index::default(),
        open: Arc::default(),
    };
    let memory = Memory::default();
    let mut tasks = JoinSet::new();
    watch(&client, &config, writers, &memory, &wakers, &mut tasks);
    settings::stores::watch(&client, &config, &projects, project_writers, &wakers, &mut tasks);
    let inputs = inputs::watch(&client, &config, &wakers, &mut tasks);
    let context = Arc::new(Context {
        recorder: Recorder::new(client.clone(), Reporter::from(apply::MANAGER)),
        client,
        config,
        stores,
        index: wakers.index.clone(),
        inputs,
        sessions: memory.sessions,
        runs: memory.runs,
        pods: memory.pods,
        children: memory.children,
        followers: memory.followers,
        // Nothing but a runner's own address is ever asked.
        http: reqwest::Client::builder().no_proxy().connect_timeout(CONNECT).build()?,
        wake_run: wakers.of_runs(),
        projects,
        settings: memory.settings,
        drifts: memory.drifts,
        wake_session: wakers.of_sessions(),
        made: std::sync::Mutex::default(),
    });
    let ready = CancellationToken::new();
    tasks.spawn(health::serve(health, ready.clone()));
    let work = async {
        tokio::join!(context.stores.ready(), context.inputs.ready(), context.projects.ready(&context.config));
        ready.cancel();
        wakers.open();
        tracing::info!("ready");
        let sessions = drive(sessions, context.stores.sessions.clone(), &context, session::reconcile);
        let runs = drive(runs, context.stores.runs.clone(), &context, run::reconcile);
        let settings = drive(settings_asked, context.stores.settings.clone(), &context, settings::reconcile);
        let namespaces = context.projects.namespaces.clone();
        let namespaces = drive(namespaces_asked, namespaces, &context, settings::reconcile_namespace);
        tokio::join!(sessions, runs, settings, namespaces);
    };
    tokio::select! {
        () = work => {}
        () = stop.cancelled() => {}
    }
    Ok(())
}

/// Reconciles the objects of a kind as they are asked for, each one at a time.
async fn drive<K, F, R>(
    queue: mpsc::UnboundedReceiver<ObjectRef<K>>,
    store: Store<K>,
    context: &Arc<Context>,
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
    let work = applier(
        move |object, context| reconcile(object, context).boxed(),
        again,
        Arc::clone(context),
        store,
        queue,
        config,
    );
    work.for_each(|result| {
        match result {
            // An object that is gone has nothing to reconcile.
            Ok(_) | Err(controller::Error::ObjectNotFound(_)) => {}
            Err(error) => tracing::warn!(%error, "a reconcile failed and is tried again"),
        }
        std::future::ready(())
    })
    .await;
}

fn again<K>(_: Arc<K>, error: &OperatorError, _: Arc<Context>) -> Action {
    match error {
        OperatorError::Refused { .. } => Action::requeue(RETRY * 60),
        OperatorError::Retry { .. } => Action::requeue(RETRY),
    }
}
