//! What the agent of a thread has to tell that no turn has told: shared by its processes, one after another, and whoever asks.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::between::Told;

/// What the next turn of a thread has to tell.
#[derive(Debug, Default)]
pub(crate) struct Untold(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// A turn that nobody asked for would find something in the running process.
    due: bool,
    /// What processes that are gone have left.
    left: Told,
}

impl Untold {
    /// The running process has something for a turn of its own.
    pub(crate) fn due(&self) {
        self.state().due = true;
    }

    /// A turn takes what the running process has.
    pub(crate) fn take_up(&self) {
        self.state().due = false;
    }

    /// The process is gone, and leaves this. Returns whether there is something to tell.
    pub(crate) fn leave(&self, told: Option<Told>) -> bool {
        let mut state = self.state();
        state.due = false;
        state.left.add(told.unwrap_or_default());
        !state.left.events.is_empty()
    }

    /// A turn takes what processes that are gone have left.
    pub(crate) fn take(&self) -> Told {
        std::mem::take(&mut self.state().left)
    }

    pub(crate) fn is_due(&self) -> bool {
        let state = self.state();
        state.due || !state.left.events.is_empty()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Every critical section leaves the state whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
