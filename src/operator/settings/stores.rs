//! What the watches have seen of the things that settings own, and which namespaces are projects.

use std::sync::Arc;

use futures_util::{Stream, StreamExt};
use k8s_openapi::api::{
    core::v1::{LimitRange, Namespace, ServiceAccount},
    rbac::v1::{Role, RoleBinding},
};
use kube::{
    Api, Client,
    core::PartialObjectMeta,
    runtime::{
        WatchStreamExt,
        reflector::{self, ObjectRef, Store, store::Writer},
        watcher::{self, Event, watcher},
    },
};
use tokio::task::JoinSet;

use super::objects::{LIMITS, MANAGED, TRIGGER};
use crate::operator::{
    config::Config,
    guard::Broken,
    lean::Lean,
    stores::{Change, Scope},
    wake::Wakers,
    written::Written,
};

impl Lean for RoleBinding {}
impl Lean for Role {}
impl Lean for LimitRange {}

/// A namespace; nothing but its metadata is looked at.
pub(in crate::operator) type Project = PartialObjectMeta<Namespace>;

/// Everything about projects that the operator knows.
pub(in crate::operator) struct Projects {
    /// Labelled bindings.
    pub(super) bindings: Store<RoleBinding>,
    pub(super) roles: Store<Role>,
    pub(super) accounts: Store<ServiceAccount>,
    pub(super) limits: Store<LimitRange>,
    /// Labelled namespaces.
    pub(in crate::operator) namespaces: Store<Project>,
    pub(super) written: Arc<Memory>,
}

/// What was written of them.
#[derive(Default)]
pub(super) struct Memory {
    pub(super) bindings: Arc<Written<RoleBinding>>,
    pub(super) roles: Arc<Written<Role>>,
    pub(super) accounts: Arc<Written<ServiceAccount>>,
    pub(super) limits: Arc<Written<LimitRange>>,
}

/// The ends that the watches fill.
pub(in crate::operator) struct Writers {
    bindings: Writer<RoleBinding>,
    roles: Writer<Role>,
    accounts: Writer<ServiceAccount>,
    limits: Writer<LimitRange>,
    namespaces: Writer<Project>,
}

/// Empty stores.
pub(in crate::operator) fn stores() -> (Projects, Writers) {
    let (bindings, bindings_in) = reflector::store();
    let (roles, roles_in) = reflector::store();
    let (accounts, accounts_in) = reflector::store();
    let (limits, limits_in) = reflector::store();
    let (namespaces, namespaces_in) = reflector::store();
    let writers = Writers {
        bindings: bindings_in,
        roles: roles_in,
        accounts: accounts_in,
        limits: limits_in,
        namespaces: namespaces_in,
    };
    (Projects { bindings, roles, accounts, limits, namespaces, written: Arc::default() }, writers)
}

impl Projects {
    /// Until everything was listed once. Ends also when the watches have.
    pub(in crate::operator) async fn ready(&self, config: &Config) {
        let _ = tokio::join!(
            self.bindings.wait_until_ready(),
            self.roles.wait_until_ready(),
            self.accounts.wait_until_ready(),
            self.limits.wait_until_ready(),
        );
        if config.policy.knows_namespaces() {
            let _ = self.namespaces.wait_until_ready().await;
        }
    }

    /// Whether the objects of a namespace are this operator's to reconcile.
    pub(in crate::operator) fn is_ours(&self, config: &Config, namespace: &str) -> bool {
        !config.policy.managed_only || self.namespaces.get(&ObjectRef::new(namespace)).is_some()
    }
}

/// Starts the watches.
pub(in crate::operator) fn watch(
    client: &Client,
    config: &Config,
    projects: &Projects,
    writers: Writers,
    wakers: &Wakers,
    broken: &Broken,
    tasks: &mut JoinSet<()>,
) {
    let mut scope = Scope { client, config, broken, tasks };
    let (written, named) =
        (&projects.written, |name: &str| watcher::Config::default().fields(&format!("metadata.name={name}")));
    let labelled = watcher::Config::default().labels(&format!("{MANAGED}=true"));
    scope.follow_with(writers.bindings, &labelled, Arc::clone(&written.bindings), wakers.when(Wakers::project));
    scope.follow_with(writers.roles, &named(TRIGGER), Arc::clone(&written.roles), wakers.when(Wakers::project));
    scope.follow_with(writers.accounts, &named(TRIGGER), Arc::clone(&written.accounts), wakers.when(Wakers::project));
    scope.follow_with(writers.limits, &named(LIMITS), Arc::clone(&written.limits), wakers.when(Wakers::project));
    if config.policy.knows_namespaces() {
        let stream = watcher(Api::<Project>::all(client.clone()), labelled).default_backoff();
        tasks.spawn(namespaces(stream, writers.namespaces, wakers.when(Wakers::namespace)));
    }
}

/// An interrupted watch is begun again, with pauses; nothing of it ends the operator.
fn namespaces(
    watch: impl Stream<Item = watcher::Result<Event<Project>>> + Send + 'static,
    writer: Writer<Project>,
    wake: impl Fn(&Change<'_, Project>) + Send + 'static,
) -> impl Future<Output = ()> + Send + 'static {
    watch.reflect(writer).for_each(move |event| {
        match &event {
            Ok(Event::Apply(namespace)) => wake(&Change::Applied(namespace)),
            Ok(Event::Delete(namespace)) => wake(&Change::Deleted(namespace)),
            Ok(Event::InitDone) => wake(&Change::Listed),
            Ok(Event::Init | Event::InitApply(_)) => {}
            Err(error) => tracing::warn!(kind = "Namespace", %error, "the watch is interrupted"),
        }
        std::future::ready(())
    })
}

#[cfg(test)]
mod tests {
    use futures_util::stream;

    use super::*;

    fn namespace(name: &str) -> Project {
        let metadata = kube::core::ObjectMeta { name: Some(name.to_owned()), ..Default::default() };
        Project { types: None, metadata, _phantom: std::marker::PhantomData }
    }

    /// Item 18 of the original's weaknesses: an error of the watch ended the operator.
    #[tokio::test]
    async fn weakness_18_an_error_of_the_namespace_watch_is_passed_over() {
        let (seen, writer) = reflector::store();
        let said = [
            Ok(Event::Init),
            Ok(Event::InitApply(namespace("a"))),
            Ok(Event::InitDone),
            Err(watcher::Error::NoResourceVersion),
            Ok(Event::Apply(namespace("b"))),
        ];
        namespaces(stream::iter(said), writer, |_| {}).await;
        assert_eq!(seen.state().len(), 2);
    }
}
