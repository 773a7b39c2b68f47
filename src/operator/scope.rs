//! Which namespaces are watched: all, one, or several as if they were one watch.

use std::{collections::HashMap, fmt::Debug};

use futures_util::{
    StreamExt,
    stream::{self, BoxStream, select_all},
};
use kube::{
    Api, Client, Resource,
    core::NamespaceResourceScope,
    runtime::{
        WatchStreamExt,
        reflector::{ObjectRef, Store},
        watcher::{self, Event, watcher},
    },
};
use serde::de::DeserializeOwned;

/// How many objects are asked for at once when everything is listed. Until they are lean, they are in memory with all that the API
/// server knows of them: 100 KB for a pod.
const PAGE: u32 = 50;

/// The objects of a namespace.
type Listed<K> = HashMap<ObjectRef<K>, K>;
/// What a watch says.
type Said<K> = watcher::Result<Event<K>>;

/// What a store knows of a namespace.
pub(super) fn known<K: Resource<DynamicType = ()> + Clone + 'static>(store: Store<K>) -> impl Fn(&str) -> Vec<K> {
    move |namespace| {
        let is_its = |object: &K| object.meta().namespace.as_deref() == Some(namespace);
        store.state_filter(is_its).into_iter().map(|object| (*object).clone()).collect()
    }
}

/// The objects of a kind in the namespaces; without any: in all. `known` says what the events have told of a namespace.
pub(super) fn events<K>(
    client: &Client,
    namespaces: &[String],
    config: &watcher::Config,
    known: impl Fn(&str) -> Vec<K> + Send + 'static,
) -> BoxStream<'static, Said<K>>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
        + Clone
        + Debug
        + DeserializeOwned
        + Send
        + Sync
        + 'static,
{
    let watch = |api: Api<K>| watcher(api, config.clone().page_size(PAGE)).default_backoff();
    let one = |namespace: &String| watch(Api::namespaced(client.clone(), namespace));
    match namespaces {
        [] => watch(Api::all(client.clone())).boxed(),
        [namespace] => one(namespace).boxed(),
        several => {
            let numbered =
                |(number, namespace): (usize, &String)| one(namespace).map(move |said| (number, said)).boxed();
            let all = select_all(several.iter().enumerate().map(numbered));
            let mut merge = Merge::new(several.to_vec());
            all.flat_map(move |(number, said)| {
                let events = match said {
                    Ok(event) => merge.feed(number, event, &known).into_iter().map(Ok).collect(),
                    Err(error) => vec![Err(error)],
                };
                stream::iter(events)
            })
            .boxed()
        }
    }
}

/// Several watches as one: its list is there when all have listed.
struct Merge<K: Resource<DynamicType = ()>> {
    namespaces: Vec<String>,
    /// What each is listing at the moment.
    listing: Vec<Option<Listed<K>>>,
    /// What has been listed while others still list; none once all have.
    first: Option<Vec<Option<Listed<K>>>>,
}

impl<K: Resource<DynamicType = ()> + Clone + 'static> Merge<K> {
    fn new(namespaces: Vec<String>) -> Self {
        let nothing = || namespaces.iter().map(|_| None).collect();
        Self { listing: nothing(), first: Some(nothing()), namespaces }
    }

    fn feed(&mut self, number: usize, event: Event<K>, known: &impl Fn(&str) -> Vec<K>) -> Vec<Event<K>> {
        match event {
            Event::Init => self.listing[number] = Some(HashMap::new()),
            Event::InitApply(object) => {
                self.listing[number].get_or_insert_default().insert(ObjectRef::from_obj(&object), object);
            }
            Event::InitDone => {
                let listed = self.listing[number].take().unwrap_or_default();
                return self.listed(number, listed, known);
            }
            Event::Apply(object) => match self.held(number) {
                Some(held) => drop(held.insert(ObjectRef::from_obj(&object), object)),
                None => return vec![Event::Apply(object)],
            },
            Event::Delete(object) => match self.held(number) {
                Some(held) => drop(held.remove(&ObjectRef::from_obj(&object))),
                None => return vec![Event::Delete(object)],
            },
        }
        Vec::new()
    }

    /// What is kept back of a namespace until all have listed.
    fn held(&mut self, number: usize) -> Option<&mut HashMap<ObjectRef<K>, K>> {
        self.first.as_mut().map(|first| first[number].get_or_insert_default())
    }

    fn listed(
        &mut self,
        number: usize,
        listed: HashMap<ObjectRef<K>, K>,
        known: &impl Fn(&str) -> Vec<K>,
    ) -> Vec<Event<K>> {
        let Some(first) = &mut self.first else {
            return self.again(number, listed, known);
        };
        first[number] = Some(listed);
        if first.iter().any(Option::is_none) {
            return Vec::new();
        }
        let all = self.first.take().into_iter().flatten().flatten().flat_map(HashMap::into_values);
        std::iter::once(Event::Init).chain(all.map(Event::InitApply)).chain([Event::InitDone]).collect()
    }

    /// One namespace was listed anew: what is gone of it has ended meanwhile.
    fn again(&self, number: usize, listed: HashMap<ObjectRef<K>, K>, known: &impl Fn(&str) -> Vec<K>) -> Vec<Event<K>> {
        let known = self.namespaces.get(number).map(|namespace| known(namespace)).unwrap_or_default();
        let gone = known.into_iter().filter(|known| !listed.contains_key(&ObjectRef::from_obj(known)));
        let gone: Vec<Event<K>> = gone.map(Event::Delete).collect();
        gone.into_iter().chain(listed.into_values().map(Event::Apply)).collect()
    }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::core::v1::ConfigMap;
    use kube::{ResourceExt, runtime::reflector::store};

    use super::*;

    fn object(namespace: &str, name: &str) -> ConfigMap {
        let mut object = ConfigMap::default();
        object.metadata.namespace = Some(namespace.into());
        object.metadata.name = Some(name.into());
        object
    }

    fn said(events: &[Event<ConfigMap>]) -> Vec<String> {
        let said = events.iter().map(|event| match event {
            Event::Init => "init".to_owned(),
            Event::InitApply(object) => format!("listed {}", object.name_any()),
            Event::InitDone => "done".to_owned(),
            Event::Apply(object) => format!("applied {}", object.name_any()),
            Event::Delete(object) => format!("deleted {}", object.name_any()),
        });
        said.collect()
    }

    #[test]
    fn the_list_is_there_when_every_namespace_has_listed_and_one_that_lists_again_changes_only_itself() {
        let (reader, mut writer) = store::<ConfigMap>();
        let mut merge = Merge::new(vec!["a".into(), "b".into()]);
        let mut feed = |number, event| {
            let events = merge.feed(number, event, &known(reader.clone()));
            for event in &events {
                writer.apply_watcher_event(event);
            }
            said(&events)
        };
        assert!(feed(0, Event::Init).is_empty());
        assert!(feed(0, Event::InitApply(object("a", "one"))).is_empty());
        assert!(feed(0, Event::InitDone).is_empty(), "b has not listed yet");
        assert!(feed(0, Event::Delete(object("a", "one"))).is_empty());
        assert!(feed(0, Event::Apply(object("a", "two"))).is_empty());
        feed(1, Event::Init);
        feed(1, Event::InitApply(object("b", "three")));
        let mut all = feed(1, Event::InitDone);
        assert_eq!((all.remove(0).as_str(), all.pop().as_deref()), ("init", Some("done")));
        all.sort();
        assert_eq!(all, ["listed three", "listed two"]);
        assert_eq!(feed(0, Event::Apply(object("a", "four"))), ["applied four"]);
        feed(0, Event::Init);
        feed(0, Event::InitApply(object("a", "four")));
        assert_eq!(feed(0, Event::InitDone), ["deleted two", "applied four"]);
    }
}
