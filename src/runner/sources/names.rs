//! One change of a name at a time: the second waits for the first and sees what it made.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, Weak},
};

use tokio::sync::OwnedMutexGuard;

/// Names that something is being done to.
#[derive(Debug, Default)]
pub(super) struct Names(Mutex<HashMap<String, Weak<tokio::sync::Mutex<()>>>>);

impl Names {
    /// Waits until nobody else changes this name.
    pub(super) async fn hold(&self, name: &str) -> OwnedMutexGuard<()> {
        let lock = {
            let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            all.retain(|_, lock| lock.strong_count() > 0);
            let lock = all.get(name).and_then(Weak::upgrade).unwrap_or_default();
            all.insert(name.to_owned(), Arc::downgrade(&lock));
            lock
        };
        lock.lock_owned().await
    }
}
