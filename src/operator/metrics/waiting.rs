//! What has changed and was not reconciled since.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use kube::runtime::reflector::{Lookup, ObjectRef};

/// Objects of a kind that wait for a reconcile, with the time since when.
#[derive(Debug)]
pub(in crate::operator) struct Waiting<K: Lookup<DynamicType = ()>>(Arc<Mutex<HashMap<ObjectRef<K>, Instant>>>);

impl<K: Lookup<DynamicType = ()>> Default for Waiting<K> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<K: Lookup<DynamicType = ()>> Clone for Waiting<K> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<K: Lookup<DynamicType = ()>> Waiting<K> {
    /// An object waits from now on, unless it does already.
    pub(in crate::operator) fn add(&self, object: &ObjectRef<K>) {
        let mut waiting = self.lock();
        if !waiting.contains_key(object) {
            waiting.insert(object.clone(), Instant::now());
        }
    }

    /// It waits no more. How long it did.
    pub(in crate::operator) fn take(&self, object: &ObjectRef<K>) -> Option<Duration> {
        let mut waiting = self.lock();
        let since = waiting.remove(object)?;
        if waiting.is_empty() {
            // What a restart with thousands of objects has filled is not kept.
            waiting.shrink_to_fit();
        }
        Some(since.elapsed())
    }

    /// How many wait.
    pub(super) fn depth(&self) -> usize {
        self.lock().len()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ObjectRef<K>, Instant>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::Run;

    #[test]
    fn an_object_waits_once_however_often_it_changes() {
        let waiting = Waiting::<Run>::default();
        let run = ObjectRef::new("r").within("n");
        waiting.add(&run);
        waiting.add(&run);
        assert_eq!(waiting.depth(), 1);
        assert!(waiting.take(&run).is_some() && waiting.take(&run).is_none());
        assert_eq!(waiting.depth(), 0);
    }
}
