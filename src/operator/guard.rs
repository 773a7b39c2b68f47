//! Objects that are not what their kind says: an unknown phase, a number where a text belongs. Each stalls by itself.
//!
//! The API server validates what is written, but not what was written before a kind became stricter.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::{
    Api, Client, Resource, ResourceExt,
    api::{DynamicObject, Patch, PatchParams},
    core::{ApiResource, ObjectMeta},
    runtime::{
        reflector::{ObjectRef, Store},
        watcher::Event,
    },
};
use serde::{Deserialize, Deserializer, de::DeserializeOwned};
use serde_json::{Value, json};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};

use super::{apply::MANAGER, lean::Lean};
use crate::api::conditions::{self, Aspect, Status};

/// The reason of all conditions of an object that cannot be read.
const INVALID: &str = "InvalidSpec";
/// When telling is tried again that did not work, and how often.
const AGAIN: Duration = Duration::from_secs(5);
const ATTEMPTS: usize = 5;

/// An object as its kind wants it, or what is wrong with it.
#[derive(Debug, Clone)]
pub(super) enum Guarded<K> {
    Good(Box<K>),
    Bad { metadata: Box<ObjectMeta>, error: String },
}

impl<'de, K: DeserializeOwned> Deserialize<'de> for Guarded<K> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        match K::deserialize(&value) {
            Ok(object) => Ok(Self::Good(Box::new(object))),
            Err(error) => {
                let metadata = ObjectMeta::deserialize(&value["metadata"]).map_err(serde::de::Error::custom)?;
                Ok(Self::Bad { metadata: Box::new(metadata), error: error.to_string() })
            }
        }
    }
}

impl<K: Resource<DynamicType = ()>> Resource for Guarded<K> {
    type DynamicType = ();
    type Scope = K::Scope;

    fn kind((): &()) -> std::borrow::Cow<'_, str> {
        K::kind(&())
    }

    fn group((): &()) -> std::borrow::Cow<'_, str> {
        K::group(&())
    }

    fn version((): &()) -> std::borrow::Cow<'_, str> {
        K::version(&())
    }

    fn plural((): &()) -> std::borrow::Cow<'_, str> {
        K::plural(&())
    }

    fn meta(&self) -> &ObjectMeta {
        match self {
            Self::Good(object) => object.meta(),
            Self::Bad { metadata, .. } => metadata,
        }
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        match self {
            Self::Good(object) => object.meta_mut(),
            Self::Bad { metadata, .. } => metadata,
        }
    }
}

impl<K: Lean> Lean for Guarded<K> {
    fn shed(&mut self) {
        match self {
            Self::Good(object) => object.shed(),
            Self::Bad { metadata, .. } => metadata.managed_fields = None,
        }
    }
}

/// An object that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Place {
    kind: String,
    namespace: String,
    name: String,
}

impl Place {
    fn of<K: Resource<DynamicType = ()>>(namespace: Option<&str>, name: &str) -> Self {
        Self {
            kind: K::kind(&()).into_owned(),
            namespace: namespace.unwrap_or_default().to_owned(),
            name: name.to_owned(),
        }
    }
}

/// What is to be told of an object.
#[derive(Debug)]
pub(super) struct Fault {
    place: Place,
    resource: ApiResource,
    generation: Option<i64>,
    message: String,
}

/// The objects that cannot be read at the moment.
#[derive(Debug, Clone)]
pub(super) struct Broken {
    places: Arc<Mutex<HashMap<Place, String>>>,
    faults: UnboundedSender<Fault>,
}

impl Broken {
    /// None so far; what is found goes to `faults`.
    pub(super) fn new(faults: UnboundedSender<Fault>) -> Self {
        Self { places: Arc::default(), faults }
    }

    /// Whether an object cannot be read: nothing is done for it then, and nothing is taken away.
    pub(super) fn has<K: Resource<DynamicType = ()>>(&self, namespace: &str, name: &str) -> bool {
        let places = self.lock();
        // Nearly always there are none.
        !places.is_empty() && places.contains_key(&Place::of::<K>(Some(namespace), name))
    }

    /// What a watch of possibly broken objects says about good ones. One that was good before stays as it was.
    pub(super) fn sort<K>(&self, event: Event<Guarded<K>>, store: &Store<K>) -> Option<Event<K>>
    where
        K: Resource<DynamicType = ()> + Clone + 'static,
    {
        match event {
            Event::Init => {
                let kind = K::kind(&());
                self.lock().retain(|place, _| place.kind != kind);
                Some(Event::Init)
            }
            Event::InitDone => Some(Event::InitDone),
            Event::InitApply(Guarded::Good(object)) => Some(Event::InitApply(*object)),
            Event::Apply(Guarded::Good(object)) => {
                self.forget(&*object);
                Some(Event::Apply(*object))
            }
            Event::InitApply(Guarded::Bad { metadata, error }) => {
                self.found::<K>(&metadata, &error);
                // A new list replaces the store: what was known of it is kept.
                known(&metadata, store).map(Event::InitApply)
            }
            Event::Apply(Guarded::Bad { metadata, error }) => {
                self.found::<K>(&metadata, &error);
                None
            }
            Event::Delete(Guarded::Good(object)) => {
                self.forget(&*object);
                Some(Event::Delete(*object))
            }
            Event::Delete(Guarded::Bad { metadata, .. }) => {
                self.lock().remove(&place::<K>(&metadata));
                known(&metadata, store).map(Event::Delete)
            }
        }
    }

    fn forget<K: Resource<DynamicType = ()>>(&self, object: &K) {
        let mut places = self.lock();
        if !places.is_empty() {
            places.remove(&place::<K>(object.meta()));
        }
    }

    fn found<K: Resource<DynamicType = ()>>(&self, metadata: &ObjectMeta, error: &str) {
        let place = place::<K>(metadata);
        let Place { kind, namespace, name } = &place;
        tracing::warn!(kind, namespace, name, error, "an object cannot be read; it stalls until it is mended");
        let message = format!("The object cannot be read: {error}. Mend the field, or delete the object.");
        let before = self.lock().insert(place.clone(), message.clone());
        if before.as_ref() != Some(&message) {
            let resource = ApiResource::erase::<K>(&());
            // A closed channel is that of an operator that ends.
            let _ = self.faults.send(Fault { place, resource, generation: metadata.generation, message });
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Place, String>> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn place<K: Resource<DynamicType = ()>>(metadata: &ObjectMeta) -> Place {
    Place::of::<K>(metadata.namespace.as_deref(), metadata.name.as_deref().unwrap_or_default())
}

fn known<K>(metadata: &ObjectMeta, store: &Store<K>) -> Option<K>
where
    K: Resource<DynamicType = ()> + Clone + 'static,
{
    let name = metadata.name.as_deref().unwrap_or_default();
    let reference = ObjectRef::new(name).within(metadata.namespace.as_deref().unwrap_or_default());
    store.get(&reference).map(Arc::unwrap_or_clone)
}

/// Tells people about objects that cannot be read, in their conditions.
pub(super) async fn tell(client: Client, mut faults: UnboundedReceiver<Fault>) {
    while let Some(fault) = faults.recv().await {
        for attempt in 1..=ATTEMPTS {
            match stall(&client, &fault).await {
                Ok(()) => break,
                Err(kube::Error::Api(status)) if status.code == 404 => break,
                Err(error) => {
                    tracing::warn!(%error, attempt, name = fault.place.name, "its conditions are not written");
                }
            }
            tokio::time::sleep(AGAIN).await;
        }
    }
}

async fn stall(client: &Client, fault: &Fault) -> kube::Result<()> {
    let api: Api<DynamicObject> = Api::namespaced_with(client.clone(), &fault.place.namespace, &fault.resource);
    let object = api.get(&fault.place.name).await?;
    let Some(conditions) = stalled(&object.data["status"]["conditions"], fault, Timestamp::now()) else {
        return Ok(());
    };
    let patch = json!({
        "metadata": { "resourceVersion": object.resource_version() },
        "status": { "conditions": conditions },
    });
    let params = PatchParams { field_manager: Some(MANAGER.to_owned()), ..PatchParams::default() };
    api.patch_status(&fault.place.name, &params, &Patch::Merge(&patch)).await.map(drop)
}

/// The conditions as they are to be; none when they are so.
fn stalled(before: &Value, fault: &Fault, now: Timestamp) -> Option<Vec<Condition>> {
    let mut conditions: Vec<Condition> = serde_json::from_value(before.clone()).unwrap_or_default();
    let aspect = |kind, status| Aspect { kind, status, reason: INVALID, message: &fault.message };
    let mut aspects = vec![
        aspect(conditions::READY, Status::False),
        aspect(conditions::RECONCILING, Status::False),
        aspect(conditions::STALLED, Status::True),
    ];
    if fault.place.kind == "Run" {
        aspects.push(aspect(conditions::SUCCEEDED, Status::Unknown));
    }
    let mut changed = false;
    for aspect in aspects {
        changed |= conditions::upsert(&mut conditions, aspect, fault.generation, now);
    }
    changed.then_some(conditions)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::Run;

    #[test]
    fn what_is_wrong_with_one_object_of_a_list_is_told_and_the_others_are_good() {
        let good = json!({"metadata": {"name": "a"}, "spec": {"sessionRef": {"name": "s"}, "prompt": "x"}});
        let bad = json!({"metadata": {"name": "b", "namespace": "n"}, "spec": {"sessionRef": 7}});
        let list: Vec<Guarded<Run>> = serde_json::from_value(json!([good, bad])).unwrap();
        assert!(matches!(&list[0], Guarded::Good(run) if run.name_any() == "a"));
        let Guarded::Bad { metadata, error } = &list[1] else { panic!("{:?}", list[1]) };
        assert_eq!(metadata.name.as_deref(), Some("b"));
        assert!(error.contains("integer"), "{error}");
    }

    #[test]
    fn a_broken_object_is_known_until_it_is_mended_and_told_once() {
        let (to, mut faults) = tokio::sync::mpsc::unbounded_channel();
        let broken = Broken::new(to);
        let (store, _writer) = kube::runtime::reflector::store::<Run>();
        let event = |spec: Value| -> Event<Guarded<Run>> {
            let object = json!({"metadata": {"name": "b", "namespace": "n"}, "spec": spec});
            Event::Apply(serde_json::from_value(object).unwrap())
        };
        for _ in 0..2 {
            assert!(broken.sort(event(json!({"sessionRef": 7})), &store).is_none());
        }
        assert!(broken.has::<Run>("n", "b") && !broken.has::<Run>("n", "c"));
        assert!(faults.try_recv().is_ok() && faults.try_recv().is_err());
        let mended = broken.sort(event(json!({"sessionRef": {"name": "s"}, "prompt": "x"})), &store);
        assert!(matches!(mended, Some(Event::Apply(_))));
        assert!(!broken.has::<Run>("n", "b"));
    }

    #[test]
    fn conditions_that_say_so_already_are_not_written_again() {
        let fault = Fault {
            place: Place::of::<Run>(Some("n"), "b"),
            resource: ApiResource::erase::<Run>(&()),
            generation: Some(1),
            message: "m".into(),
        };
        let now = Timestamp::UNIX_EPOCH;
        let first = stalled(&json!("nonsense"), &fault, now).unwrap();
        assert_eq!(first.len(), 4);
        assert_eq!(stalled(&serde_json::to_value(&first).unwrap(), &fault, now), None);
    }
}
