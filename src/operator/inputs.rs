//! What the watches have seen of what pods depend on beside their sessions.
//!
//! Nobody's Secrets are kept but those of the operator's own namespace that sessions get a copy of: of a namespace's keys it is
//! known only that they are there.

use std::{fmt::Debug, sync::Arc};

use futures_util::{Stream, StreamExt};
use k8s_openapi::api::core::v1::{ConfigMap, PersistentVolumeClaim, Secret};
use kube::{
    Api, Client, Resource, ResourceExt,
    core::PartialObjectMeta,
    runtime::{
        WatchStreamExt,
        reflector::{self, ObjectRef, Store, store::Writer},
        watcher::{self, Event, watcher},
    },
};
use tokio::task::JoinSet;

use super::{
    config::Config,
    registry::Registry,
    scope,
    session::inputs::{BUNDLE, BUNDLE_KEY, Copied, Inputs, KEYS, Shared, TEMPLATE, TEMPLATE_LABEL, Template},
    stores::Change,
    wake::Wakers,
};
use crate::api::{AgenticSession, defaults::RUNNER_TYPE_VARIABLE, names, session::RunnerType};

/// Everything that the operator knows of inputs.
pub(super) struct InputStores {
    keys: Store<PartialObjectMeta<Secret>>,
    bundles: Store<ConfigMap>,
    templates: Store<ConfigMap>,
    claims: Store<PersistentVolumeClaim>,
    shared: Vec<(Shared, Store<Secret>)>,
    registry: Registry,
}

impl InputStores {
    /// Until everything was listed once. Ends also when the watches have.
    pub(super) async fn ready(&self) {
        let _ = tokio::join!(
            self.keys.wait_until_ready(),
            self.bundles.wait_until_ready(),
            self.templates.wait_until_ready(),
            self.claims.wait_until_ready(),
        );
        for (_, store) in &self.shared {
            let _ = store.wait_until_ready().await;
        }
    }

    /// What a session's pod depends on. `secret` finds a Secret of the session's own.
    pub(super) fn of(&self, session: &AgenticSession, secret: impl Fn(&str) -> Option<Arc<Secret>>) -> Inputs {
        let (namespace, name) = (session.namespace().unwrap_or_default(), session.name_any());
        let bundle = self.bundles.get(&ObjectRef::new(BUNDLE).within(&namespace));
        let copied = |(shared, store): &(Shared, Store<Secret>)| Copied {
            shared: *shared,
            original: store.state().into_iter().next(),
            copy: secret(&names::copy(shared.secret(), &name)),
        };
        Inputs {
            keys: self.keys.get(&ObjectRef::new(KEYS).within(&namespace)).is_some(),
            bundle: bundle.is_some_and(|bundle| bundle.data.iter().any(|data| data.contains_key(BUNDLE_KEY))),
            template: self.template(session, &namespace),
            claim: self.claims.get(&ObjectRef::new(&names::workspace(&name)).within(&namespace)),
            copied: self.shared.iter().map(copied).collect(),
            runner: self.registry.runner(runner(session)),
            vertex_model: self.registry.vertex_model(session.spec.model()),
        }
    }

    fn template(&self, session: &AgenticSession, namespace: &str) -> Template {
        let named = session.annotations().get(TEMPLATE_LABEL);
        let name = named.map_or(TEMPLATE, String::as_str);
        match (self.templates.get(&ObjectRef::new(name).within(namespace)), named) {
            (Some(template), _) => Template::Given(template),
            (None, Some(named)) => Template::Missing(named.clone()),
            (None, None) => Template::None,
        }
    }
}

/// The id of the session's runner in the registry.
fn runner(session: &AgenticSession) -> &str {
    let spec = &session.spec;
    let variable = spec.environment_variables.get(RUNNER_TYPE_VARIABLE).map(String::as_str);
    let own = spec.runner.as_ref().map(|runner| runner.kind.as_str());
    own.or(variable).unwrap_or_else(|| RunnerType::default().as_str())
}

/// Starts the watches.
pub(super) fn watch(client: &Client, config: &Config, wakers: &Wakers, tasks: &mut JoinSet<()>) -> InputStores {
    let here = watcher::Config::default;
    let named = |name: &str| here().fields(&format!("metadata.name={name}"));
    let (keys, keys_in) = reflector::store();
    let places = &config.watch_namespaces;
    let stream =
        scope::events::<PartialObjectMeta<Secret>>(client, places, &named(KEYS), scope::known(keys_in.as_reader()));
    fill(stream, keys_in, wakers.when(Wakers::shared), |_| {}, tasks);
    let (bundles, bundles_in) = reflector::store();
    let stream = scope::events(client, places, &named(BUNDLE), scope::known(bundles_in.as_reader()));
    fill(stream, bundles_in, wakers.when(Wakers::shared), forget_values, tasks);
    let (templates, templates_in) = reflector::store();
    let stream = scope::events(client, places, &here().labels(TEMPLATE_LABEL), scope::known(templates_in.as_reader()));
    fill(stream, templates_in, wakers.when(Wakers::shared), |_| {}, tasks);
    let (claims, claims_in) = reflector::store();
    let stream =
        scope::events(client, places, &here().labels(names::SESSION_LABEL), scope::known(claims_in.as_reader()));
    fill(stream, claims_in, wakers.when(Wakers::child), |_| {}, tasks);
    let shared = Shared::wanted(config).into_iter().map(|shared| {
        let (store, writer) = reflector::store();
        let api = Api::<Secret>::namespaced(client.clone(), &config.namespace);
        fill(watcher(api, named(shared.secret())), writer, wakers.when(Wakers::everybody), |_| {}, tasks);
        (shared, store)
    });
    let shared = shared.collect();
    let registry = Registry::new(&config.platform.registry, &config.platform.models);
    InputStores { keys, bundles, templates, claims, shared, registry }
}

/// That a bundle is there is enough: it has hundreds of kilobytes.
fn forget_values(map: &mut ConfigMap) {
    map.data.iter_mut().flat_map(|data| data.values_mut()).for_each(|value| *value = String::new());
    map.binary_data = None;
}

/// Fills a store, and wakes whom a change concerns.
fn fill<K>(
    stream: impl Stream<Item = watcher::Result<Event<K>>> + Send + 'static,
    writer: Writer<K>,
    wake: impl Fn(&Change<'_, K>) + Send + 'static,
    shorten: impl Fn(&mut K) + Send + 'static,
    tasks: &mut JoinSet<()>,
) where
    K: Resource<DynamicType = ()> + Clone + Debug + Send + Sync + 'static,
{
    let stream = stream.default_backoff().modify(move |object: &mut K| {
        object.managed_fields_mut().clear();
        shorten(object);
    });
    tasks.spawn(stream.reflect(writer).for_each(move |event| {
        match &event {
            Ok(Event::Apply(object)) => wake(&Change::Applied(object)),
            Ok(Event::Delete(object)) => wake(&Change::Deleted(object)),
            Ok(Event::InitDone) => wake(&Change::Listed),
            Ok(Event::Init | Event::InitApply(_)) => {}
            Err(error) => tracing::warn!(kind = %K::kind(&()), %error, "the watch is interrupted"),
        }
        std::future::ready(())
    }));
}
