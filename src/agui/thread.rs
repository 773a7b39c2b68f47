//! What a thread's events amount to: its messages, its state, and what is under way.

use serde_json::Value;

use super::{
    Event, EventKind, Id, Message,
    messages::Messages,
    open::{OpenItems, effect},
    patch,
};

/// A thread, folded from its events. Feed it every event of the log, in order; then [`Thread::prelude`] lets a client
/// join where the fold stands.
///
/// The state is the one that clients have: what a run's input gave, replaced by snapshots and changed by deltas. A client
/// that watches a thread does not see another client's input, so a runner that takes a state from the input restates it
/// with `STATE_SNAPSHOT`.
#[derive(Debug, Clone)]
pub struct Thread {
    pub(super) messages: Messages,
    pub(super) state: Value,
    pub(super) open: OpenItems,
    pub(super) run: Option<LastRun>,
}

/// The run that is active, or the last one that was.
#[derive(Debug, Clone)]
pub(super) struct LastRun {
    pub(super) started: Event,
    /// Every event that started or ended a sub-agent, since later ones may name any of them as a parent.
    pub(super) subagents: Vec<Event>,
    pub(super) ended: Option<Event>,
}

impl Default for Thread {
    fn default() -> Self {
        Self {
            messages: Messages::default(),
            state: Value::Object(serde_json::Map::new()),
            open: OpenItems::default(),
            run: None,
        }
    }
}

impl Thread {
    /// A thread without events.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next event of the log.
    pub fn apply(&mut self, event: &Event) {
        self.messages.apply(event);
        self.follow_state(event);
        self.follow_run(event);
    }

    /// The conversation so far.
    #[must_use]
    pub fn messages(&self) -> &[Message] {
        self.messages.list()
    }

    /// The state, an empty object until a run or its client says otherwise.
    #[must_use]
    pub fn state(&self) -> &Value {
        &self.state
    }

    /// The run that is active.
    #[must_use]
    pub fn active_run(&self) -> Option<&Id> {
        let run = self.run.as_ref().filter(|run| run.ended.is_none())?;
        match &run.started.kind {
            EventKind::RunStarted { run_id, .. } => Some(run_id),
            _ => None,
        }
    }

    /// The event that ended the last run; none while a run is active or before the first.
    #[must_use]
    pub fn last_terminal(&self) -> Option<&Event> {
        self.run.as_ref()?.ended.as_ref()
    }

    fn follow_state(&mut self, event: &Event) {
        match &event.kind {
            EventKind::RunStarted { input: Some(input), .. } => {
                if let Some(state) = &input.state {
                    self.state = state.clone();
                }
            }
            EventKind::StateSnapshot { snapshot } => self.state = snapshot.clone(),
            EventKind::StateDelta { delta } => {
                // Clients keep the state they have when a patch does not fit; so do we.
                let _ = patch::apply(&mut self.state, delta);
            }
            _ => {}
        }
    }

    fn follow_run(&mut self, event: &Event) {
        match (&event.kind, &mut self.run) {
            (EventKind::RunStarted { .. }, _) => {
                self.open = OpenItems::default();
                self.run = Some(LastRun { started: event.clone(), subagents: Vec::new(), ended: None });
            }
            (EventKind::RunFinished { .. } | EventKind::RunError { .. }, Some(run)) => {
                self.open = OpenItems::default();
                run.subagents = Vec::new();
                run.ended = Some(event.clone());
            }
            (kind, Some(run)) => {
                if kind.is_subagent_boundary() {
                    run.subagents.push(event.clone());
                }
                self.open.apply(effect(event), event);
            }
            (_, None) => {}
        }
    }
}
