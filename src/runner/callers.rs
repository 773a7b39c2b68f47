//! Who is behind the run that is going, thread by thread.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::{caller::Caller, session::RunRequest};
use crate::agui::Id;

/// Who is behind the runs that are going, and what each thread's last run asked for.
#[derive(Default)]
pub struct Callers(Mutex<HashMap<Id, Entry>>);

#[derive(Default)]
struct Entry {
    running: Option<Run>,
    last: Option<Arc<RunRequest>>,
}

/// The run that is going on a thread.
#[derive(Debug, Clone)]
pub struct Run {
    /// Which one.
    pub id: Id,
    /// Whose process it needs; absent: nobody has named a user.
    pub user: Option<String>,
    /// Who is behind it.
    pub caller: Caller,
}

impl Callers {
    /// The run that is going on a thread.
    pub fn running(&self, thread: &Id) -> Option<Run> {
        self.lock().get(thread)?.running.clone()
    }

    /// A run begins; it ends when the guard is dropped.
    pub(crate) fn begin(&self, request: &RunRequest, user: Option<String>) -> Going<'_> {
        let input = &request.input;
        let run = Run { id: input.run_id.clone(), user, caller: request.caller.clone() };
        let mut entries = self.lock();
        let entry = entries.entry(input.thread_id.clone()).or_default();
        entry.running = Some(run);
        entry.last = Some(Arc::new(request.without_messages()));
        Going { callers: self, thread: input.thread_id.clone() }
    }

    /// What the last run of a thread asked for, without its messages.
    pub(crate) fn last(&self, thread: &Id) -> Option<Arc<RunRequest>> {
        self.lock().get(thread)?.last.clone()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Id, Entry>> {
        // Each change is one assignment, so a panic elsewhere does not spoil the map.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A run that is going.
pub(crate) struct Going<'a> {
    callers: &'a Callers,
    thread: Id,
}

impl Drop for Going<'_> {
    fn drop(&mut self) {
        if let Some(entry) = self.callers.lock().get_mut(&self.thread) {
            entry.running = None;
        }
    }
}
