//! What this process has written and its watches have not shown yet.
//!
//! A reconcile that acts on an older object than the one it wrote would repeat what it has done: start a pod again that it
//! has just stopped, or send a status back in time.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use kube::{Resource, ResourceExt, runtime::reflector::ObjectRef};

use super::lean::Lean;

/// How far a watch may be behind. An object that it has not shown by then is gone.
const LAG: Duration = Duration::from_secs(30);

/// Each with the time at which it was written.
type Objects<K> = HashMap<ObjectRef<K>, (Arc<K>, Instant)>;

/// Objects of a kind as this process wrote them last.
pub(super) struct Written<K: Resource<DynamicType = ()>> {
    objects: Mutex<Objects<K>>,
}

impl<K: Resource<DynamicType = ()>> Default for Written<K> {
    fn default() -> Self {
        Self { objects: Mutex::default() }
    }
}

impl<K: Resource<DynamicType = ()>> Written<K> {
    /// Keeps what a write returned, as lean as a watch would show it.
    pub(super) fn remember(&self, mut object: K) -> Arc<K>
    where
        K: Lean,
    {
        object.shed();
        let object = Arc::new(object);
        self.lock().insert(ObjectRef::from_obj(&*object), (Arc::clone(&object), Instant::now()));
        object
    }

    /// The newer of what was seen and what was written.
    pub(super) fn newest(&self, reference: &ObjectRef<K>, seen: Option<Arc<K>>) -> Option<Arc<K>> {
        let mut objects = self.lock();
        let Some((written, at)) = objects.get(reference) else {
            return seen;
        };
        let caught_up = seen.as_ref().is_some_and(|seen| version(&**seen) >= version(&**written));
        if caught_up || at.elapsed() > LAG {
            objects.remove(reference);
            return seen;
        }
        Some(Arc::clone(written))
    }

    /// The watch has seen the end of an object.
    pub(super) fn deleted(&self, object: &K) {
        let mut objects = self.lock();
        let reference = ObjectRef::from_obj(object);
        if objects.get(&reference).is_some_and(|(written, _)| version(&**written) <= version(object)) {
            objects.remove(&reference);
        }
    }

    /// The watch has listed everything anew: whatever was written before is in the list, or gone.
    pub(super) fn listed(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> MutexGuard<'_, Objects<K>> {
        self.objects.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Resource versions of one kind are numbers that grow (Kubernetes 1.35); something else is older than everything.
fn version<K: Resource>(object: &K) -> u64 {
    object.resource_version().and_then(|version| version.parse().ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use k8s_openapi::api::core::v1::Pod;

    fn pod(version: &str) -> Pod {
        let mut pod = Pod::default();
        pod.metadata.name = Some("a".into());
        pod.metadata.namespace = Some("n".into());
        pod.metadata.resource_version = Some(version.into());
        pod
    }

    fn newest(written: &Written<Pod>, seen: Option<&str>) -> Option<String> {
        let reference = ObjectRef::from_obj(&pod("0"));
        written.newest(&reference, seen.map(|version| Arc::new(pod(version))))?.resource_version()
    }

    #[test]
    fn what_was_written_hides_what_is_older_and_is_forgotten_when_the_watch_has_caught_up() {
        let written = Written::default();
        assert_eq!(newest(&written, Some("5")), Some("5".into()));
        written.remember(pod("10"));
        assert_eq!(newest(&written, Some("9")), Some("10".into()), "9 is older, though not as a text");
        assert_eq!(newest(&written, None), Some("10".into()), "the watch has not seen it yet");
        assert_eq!(newest(&written, Some("10")), Some("10".into()));
        assert_eq!(newest(&written, None), None, "it was seen, and then deleted");
    }

    #[test]
    fn an_object_that_ended_before_it_was_looked_at_is_gone() {
        let written = Written::default();
        written.remember(pod("10"));
        written.deleted(&pod("7"));
        assert_eq!(newest(&written, None), Some("10".into()), "that was the one before it");
        written.deleted(&pod("11"));
        assert_eq!(newest(&written, None), None);
    }

    #[test]
    fn what_nobody_reads_is_not_kept() {
        let mut noted = pod("10");
        noted.metadata.managed_fields = Some(Vec::new());
        assert_eq!(Written::default().remember(noted).metadata.managed_fields, None);
    }

    #[test]
    fn a_new_list_is_the_truth() {
        let written = Written::default();
        written.remember(pod("10"));
        written.listed();
        assert_eq!(newest(&written, None), None);
    }

    /// Item 22 of the original's weaknesses: a pod that was just made was taken for missing, and made again.
    #[test]
    fn weakness_22_a_pod_that_was_just_made_is_not_missing_though_no_watch_has_shown_it() {
        let written = Written::default();
        written.remember(pod("10"));
        assert_eq!(newest(&written, None), Some("10".into()));
        // The one before it, which was deleted, is shown late.
        assert_eq!(newest(&written, Some("8")), Some("10".into()));
    }
}
