//! The workspace as it is now: repositories come and go, and workflows change, while others look.

use std::sync::{Arc, PoisonError, RwLock};

use super::Hydrated;

/// The workspace that a session has at this moment.
#[derive(Debug)]
pub struct Current(RwLock<Arc<Hydrated>>);

impl Current {
    /// A workspace to begin with.
    #[must_use]
    pub fn new(hydrated: Hydrated) -> Self {
        Self(RwLock::new(Arc::new(hydrated)))
    }

    /// The workspace now.
    pub fn get(&self) -> Arc<Hydrated> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts another one in its place.
    pub fn set(&self, hydrated: Hydrated) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(hydrated);
    }
}
