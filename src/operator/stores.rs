//! What the watches have seen.

use std::{collections::HashSet, fmt::Debug, sync::Arc};

use futures_util::{Stream, StreamExt};
use k8s_openapi::api::{
    core::v1::{ConfigMap, Pod, Secret, Service, ServiceAccount},
    networking::v1::NetworkPolicy,
};
use kube::{
    Client, Resource,
    core::NamespaceResourceScope,
    runtime::{
        WatchStreamExt,
        reflector::{self, Store, store::Writer},
        watcher::{self, Event},
    },
};
use serde::de::DeserializeOwned;
use tokio::task::JoinSet;

use super::{
    config::Config,
    context::Children,
    guard::{Broken, Guarded},
    ingest::Ingest,
    lean::Lean,
    run::followers::Followers,
    scope,
    session::drift_task::Drifts,
    wake::Wakers,
    written::Written,
};
use crate::api::{AgenticSession, ProjectSettings, Run, names};

/// Every object that the operator knows.
pub(super) struct Stores {
    pub(super) sessions: Store<AgenticSession>,
    pub(super) runs: Store<Run>,
    pub(super) settings: Store<ProjectSettings>,
    pub(super) pods: Store<Pod>,
    pub(super) accounts: Store<ServiceAccount>,
    pub(super) tokens: Store<Secret>,
    pub(super) services: Store<Service>,
    pub(super) files: Store<ConfigMap>,
    pub(super) policies: Store<NetworkPolicy>,
}

/// The ends of the stores that the watches fill.
pub(super) struct Writers {
    sessions: Writer<AgenticSession>,
    runs: Writer<Run>,
    settings: Writer<ProjectSettings>,
    pods: Writer<Pod>,
    accounts: Writer<ServiceAccount>,
    tokens: Writer<Secret>,
    services: Writer<Service>,
    files: Writer<ConfigMap>,
    policies: Writer<NetworkPolicy>,
}

/// What a watch has seen.
pub(super) enum Change<'a, K> {
    /// An object is new or another one.
    Applied(&'a K),
    /// An object is gone.
    Deleted(&'a K),
    /// Everything was listed anew: what is gone since the last time is not told one by one.
    Listed,
}

/// What was written of the kinds that a reconcile reads back.
pub(super) struct Memory {
    pub(super) sessions: Arc<Written<AgenticSession>>,
    pub(super) runs: Arc<Written<Run>>,
    pub(super) pods: Arc<Written<Pod>>,
    pub(super) settings: Arc<Written<ProjectSettings>>,
    pub(super) children: Arc<Children>,
    /// Runs that are gone are listened to no more.
    pub(super) followers: Arc<Followers>,
    /// So are sessions.
    pub(super) drifts: Arc<Drifts>,
    /// And pods.
    pub(super) ingest: Arc<Ingest>,
}

impl Memory {
    pub(super) fn new(ingest: Arc<Ingest>) -> Self {
        Self {
            settings: Arc::default(),
            sessions: Arc::default(),
            runs: Arc::default(),
            pods: Arc::default(),
            children: Arc::default(),
            followers: Arc::default(),
            drifts: Arc::default(),
            ingest,
        }
    }
}

/// Empty stores.
pub(super) fn stores() -> (Stores, Writers) {
    let (sessions, sessions_in) = reflector::store();
    let (runs, runs_in) = reflector::store();
    let (settings, settings_in) = reflector::store();
    let (pods, pods_in) = reflector::store();
    let (accounts, accounts_in) = reflector::store();
    let (tokens, tokens_in) = reflector::store();
    let (services, services_in) = reflector::store();
    let (files, files_in) = reflector::store();
    let (policies, policies_in) = reflector::store();
    let writers = Writers {
        sessions: sessions_in,
        runs: runs_in,
        settings: settings_in,
        pods: pods_in,
        accounts: accounts_in,
        tokens: tokens_in,
        services: services_in,
        files: files_in,
        policies: policies_in,
    };
    (Stores { sessions, runs, settings, pods, accounts, tokens, services, files, policies }, writers)
}

impl Stores {
    /// Until everything was listed once. Ends also when the watches have.
    pub(super) async fn ready(&self) {
        let _ = tokio::join!(
            self.sessions.wait_until_ready(),
            self.runs.wait_until_ready(),
            self.settings.wait_until_ready(),
            self.pods.wait_until_ready(),
            self.accounts.wait_until_ready(),
            self.tokens.wait_until_ready(),
            self.services.wait_until_ready(),
            self.files.wait_until_ready(),
            self.policies.wait_until_ready(),
        );
    }
}

/// Starts all watches.
pub(super) fn watch(
    client: &Client,
    config: &Config,
    writers: Writers,
    memory: &Memory,
    wakers: &Wakers,
    broken: &Broken,
    tasks: &mut JoinSet<()>,
) {
    let mut scope = Scope { client, config, broken, tasks };
    let children = &memory.children;
    let there = writers.pods.as_reader();
    // Those that are looked for by owner have the session's label.
    let ours = Some(names::SESSION_LABEL);
    scope.follow_ours(writers.sessions, Arc::clone(&memory.sessions), {
        let (to, drifts) = (wakers.clone(), Arc::clone(&memory.drifts));
        move |change| {
            if let Change::Deleted(session) = change {
                drifts.forget(session);
            }
            to.session(change);
        }
    });
    scope.follow_ours(writers.runs, Arc::clone(&memory.runs), {
        let (to, followers) = (wakers.clone(), Arc::clone(&memory.followers));
        move |change| {
            to.index.take(change, || to.run_store.state());
            match change {
                Change::Applied(_) => {}
                Change::Deleted(run) => followers.forget(run),
                Change::Listed => followers.retain(&to.run_store.state()),
            }
            to.run(change);
        }
    });
    scope.follow_ours(writers.settings, Arc::clone(&memory.settings), wakers.when(Wakers::settings));
    scope.follow(writers.pods, ours, Arc::clone(&memory.pods), {
        let (to, ingest) = (wakers.clone(), Arc::clone(&memory.ingest));
        let pods = there;
        move |change| {
            match change {
                Change::Applied(_) => {}
                Change::Deleted(pod) => ingest.retain(|known| pod.metadata.uid.as_deref() != Some(known)),
                Change::Listed => {
                    let there: HashSet<String> =
                        pods.state().iter().filter_map(|pod| pod.metadata.uid.clone()).collect();
                    ingest.retain(|known| there.contains(known));
                }
            }
            to.child(change);
        }
    });
    scope.follow(writers.accounts, ours, Arc::clone(&children.accounts), wakers.when(Wakers::child));
    scope.follow(writers.tokens, ours, Arc::clone(&children.tokens), wakers.when(Wakers::child));
    scope.follow(writers.services, ours, Arc::clone(&children.services), wakers.when(Wakers::child));
    scope.follow(writers.files, ours, Arc::clone(&children.files), wakers.when(Wakers::child));
    let policies = Some("ambient-code.io/managed-by=operator");
    scope.follow(writers.policies, policies, Arc::clone(&children.policies), wakers.when(Wakers::shared));
}

/// Where objects are watched.
pub(super) struct Scope<'a> {
    pub(super) client: &'a Client,
    pub(super) config: &'a Config,
    pub(super) broken: &'a Broken,
    pub(super) tasks: &'a mut JoinSet<()>,
}

impl Scope<'_> {
    /// Fills a store with the objects of a kind; `labels` leaves out those that are nobody's business here.
    fn follow<K>(
        &mut self,
        writer: Writer<K>,
        labels: Option<&str>,
        written: Arc<Written<K>>,
        wake: impl Fn(&Change<'_, K>) + Send + 'static,
    ) where
        K: Lean
            + Resource<DynamicType = (), Scope = NamespaceResourceScope>
            + Clone
            + Debug
            + DeserializeOwned
            + Send
            + Sync
            + 'static,
    {
        let config = labels.map_or_else(watcher::Config::default, |labels| watcher::Config::default().labels(labels));
        self.follow_with(writer, &config, written, wake);
    }

    /// The same, with a choice of objects that is more than labels.
    pub(super) fn follow_with<K>(
        &mut self,
        writer: Writer<K>,
        config: &watcher::Config,
        written: Arc<Written<K>>,
        wake: impl Fn(&Change<'_, K>) + Send + 'static,
    ) where
        K: Lean
            + Resource<DynamicType = (), Scope = NamespaceResourceScope>
            + Clone
            + Debug
            + DeserializeOwned
            + Send
            + Sync
            + 'static,
    {
        let known = scope::known(writer.as_reader());
        let stream = scope::events(self.client, &self.config.watch_namespaces, config, known);
        self.reflect(stream.modify(Lean::shed), writer, written, wake);
    }

    /// The same for a kind of ours: one object that cannot be read is nobody else's trouble.
    fn follow_ours<K>(
        &mut self,
        writer: Writer<K>,
        written: Arc<Written<K>>,
        wake: impl Fn(&Change<'_, K>) + Send + 'static,
    ) where
        K: Lean
            + Resource<DynamicType = (), Scope = NamespaceResourceScope>
            + Clone
            + Debug
            + DeserializeOwned
            + Send
            + Sync
            + 'static,
    {
        let (broken, store) = (self.broken.clone(), writer.as_reader());
        let known = scope::known(writer.as_reader());
        let known = move |namespace: &str| -> Vec<Guarded<K>> {
            known(namespace).into_iter().map(|object| Guarded::Good(Box::new(object))).collect()
        };
        let config = watcher::Config::default();
        let guarded = scope::events(self.client, &self.config.watch_namespaces, &config, known);
        let stream = guarded
            .modify(Lean::shed)
            .filter_map(move |event| std::future::ready(event.map(|event| broken.sort(event, &store)).transpose()));
        self.reflect(stream, writer, written, wake);
    }

    fn reflect<K>(
        &mut self,
        stream: impl Stream<Item = watcher::Result<Event<K>>> + Send + 'static,
        writer: Writer<K>,
        written: Arc<Written<K>>,
        wake: impl Fn(&Change<'_, K>) + Send + 'static,
    ) where
        K: Resource<DynamicType = ()> + Clone + Debug + Send + Sync + 'static,
    {
        let work = stream.reflect(writer).for_each(move |event| {
            let change = match &event {
                Ok(Event::Apply(object)) => Some(Change::Applied(object)),
                Ok(Event::Delete(object)) => Some(Change::Deleted(object)),
                Ok(Event::InitDone) => Some(Change::Listed),
                Ok(Event::Init | Event::InitApply(_)) => None,
                Err(error) => {
                    tracing::warn!(kind = %K::kind(&()), %error, "the watch is interrupted");
                    None
                }
            };
            if let Some(change) = change {
                forget(&written, &change);
                wake(&change);
            }
            std::future::ready(())
        });
        self.tasks.spawn(work);
    }
}

fn forget<K: Resource<DynamicType = ()>>(written: &Written<K>, change: &Change<'_, K>) {
    match change {
        Change::Applied(_) => {}
        Change::Deleted(object) => written.deleted(object),
        Change::Listed => written.listed(),
    }
}
