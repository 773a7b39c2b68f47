//! When sessions got their pods and when they ran, as a client's watch sees it.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use ambient::api::{AgenticSession, session::SessionPhase};
use futures_util::StreamExt;
use k8s_openapi::api::core::v1::Pod;
use kube::{
    Api, Client, ResourceExt,
    core::PartialObjectMeta,
    runtime::{WatchStreamExt, watcher},
};
use tokio::{sync::Notify, task::JoinSet};

use crate::Result;

/// Longest wait for all sessions to get somewhere.
const PATIENCE: Duration = Duration::from_mins(20);

/// The first times.
#[derive(Default)]
struct Times {
    pods: HashMap<String, Instant>,
    running: HashMap<String, Instant>,
}

/// Watches of a namespace.
pub(crate) struct Watched {
    times: Arc<Mutex<Times>>,
    changed: Arc<Notify>,
    _tasks: JoinSet<()>,
}

impl Watched {
    pub(crate) fn begin(client: &Client, namespace: &str) -> Self {
        let times = Arc::<Mutex<Times>>::default();
        let changed = Arc::<Notify>::default();
        let mut tasks = JoinSet::new();
        let pods: Api<PartialObjectMeta<Pod>> = Api::namespaced(client.clone(), namespace);
        let mut seen = watcher(pods, watcher::Config::default()).default_backoff().applied_objects().boxed();
        let (to, tell) = (Arc::clone(&times), Arc::clone(&changed));
        tasks.spawn(async move {
            while let Some(next) = seen.next().await {
                let Ok(pod) = next else { continue };
                let session = pod.name_any().trim_end_matches("-runner").to_owned();
                lock(&to).pods.entry(session).or_insert_with(Instant::now);
                tell.notify_waiters();
            }
        });
        let sessions: Api<AgenticSession> = Api::namespaced(client.clone(), namespace);
        let mut seen = watcher(sessions, watcher::Config::default()).default_backoff().applied_objects().boxed();
        let (to, tell) = (Arc::clone(&times), Arc::clone(&changed));
        tasks.spawn(async move {
            while let Some(next) = seen.next().await {
                let Ok(session) = next else { continue };
                if session.status.as_ref().is_some_and(|status| status.phase == SessionPhase::Running) {
                    lock(&to).running.entry(session.name_any()).or_insert_with(Instant::now);
                    tell.notify_waiters();
                }
            }
        });
        Self { times, changed, _tasks: tasks }
    }

    /// When each of them had a pod.
    pub(crate) async fn pods(&self, names: &[String]) -> Result<Vec<Instant>> {
        self.all(names, |times| &times.pods).await
    }

    /// When each of them ran.
    pub(crate) async fn running(&self, names: &[String]) -> Result<Vec<Instant>> {
        self.all(names, |times| &times.running).await
    }

    async fn all(&self, names: &[String], of: fn(&Times) -> &HashMap<String, Instant>) -> Result<Vec<Instant>> {
        let until = Instant::now() + PATIENCE;
        loop {
            let changed = self.changed.notified();
            let known: Option<Vec<Instant>> = {
                let times = lock(&self.times);
                names.iter().map(|name| of(&times).get(name).copied()).collect()
            };
            if let Some(known) = known {
                return Ok(known);
            }
            if tokio::time::timeout(Duration::from_secs(1), changed).await.is_err() && Instant::now() > until {
                return Err("not all sessions got there".into());
            }
        }
    }
}

fn lock(times: &Mutex<Times>) -> std::sync::MutexGuard<'_, Times> {
    times.lock().unwrap_or_else(PoisonError::into_inner)
}
