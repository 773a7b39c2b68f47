//! The rules of a thread's stream, checked event by event.
//!
//! They are those that the official client 1.0 enforces, those that the protocol's next conformance suite adds (a terminal
//! event for every run, run and thread ids that match, unique interrupt ids), and a few of our own without which a client
//! could not join at any event:
//!
//! - No chunk events: a log holds starts, contents and ends.
//! - `RUN_ERROR` only in a run, so that every run has exactly one terminal event.
//! - A reasoning message names the same sub-agent as the span of its id.
//! - A message that a tool call makes, because it has no parent or one that is not known yet, belongs to the call's sub-agent.
//! - A message that a snapshot left out is made anew by its owner only, named.

mod owners;
mod rule;
mod shape;
mod subagents;

use super::{
    Event, EventKind, Id,
    open::{Effect, OpenItem, OpenItems, effect},
};
use owners::Owners;
pub use rule::{Rule, Violation};
use subagents::Subagents;

/// Checks the events of one thread, in the order of its log.
///
/// Holds the open items and the ids of the current run's messages and tool calls (a closed one still has an owner that
/// later events must agree with), never content.
#[derive(Debug, Clone)]
pub struct Verifier {
    thread_id: Id,
    run: Option<Run>,
}

#[derive(Debug, Clone)]
struct Run {
    id: Id,
    open: OpenItems,
    owners: Owners,
    subagents: Subagents,
}

impl Verifier {
    /// A verifier of a thread on which no run is active.
    #[must_use]
    pub fn new(thread_id: Id) -> Self {
        Self { thread_id, run: None }
    }

    /// Takes the next event, or says which rule it breaks. A refused event changes nothing: the stream may go on as if
    /// it had not come.
    pub fn check(&mut self, event: &Event) -> Result<(), Violation> {
        self.take(event).map_err(|rule| Violation::of(event, rule))
    }

    /// Whether the stream may end here: only between runs.
    pub fn finish(&self) -> Result<(), Violation> {
        match &self.run {
            None => Ok(()),
            Some(run) => Err(Violation::at_the_end(Rule::NotEnded(run.id.clone()))),
        }
    }

    /// The run that is active now.
    #[must_use]
    pub fn run_id(&self) -> Option<&Id> {
        self.run.as_ref().map(|run| &run.id)
    }

    /// What the active run has opened and not closed, in the order of opening.
    #[must_use]
    pub fn open_items(&self) -> Vec<OpenItem> {
        let items = self.run.iter().flat_map(|run| run.open.in_order());
        items.map(|(item, _)| item.clone()).collect()
    }

    /// The events that close everything that is open, the last opened first. After them the run may finish.
    #[must_use]
    pub fn closers(&self) -> Vec<Event> {
        let items = self.run.iter().flat_map(|run| run.open.in_order());
        let mut closers: Vec<Event> = items
            .map(|(item, opening)| Event::from(item.closer()).of_subagent(opening.subagent_run_id.clone()))
            .collect();
        closers.reverse();
        closers
    }

    fn take(&mut self, event: &Event) -> Result<(), Rule> {
        shape::check(event)?;
        match (&event.kind, &mut self.run) {
            (EventKind::RunStarted { thread_id, run_id, .. }, None) => {
                same_thread(&self.thread_id, thread_id)?;
                self.run = Some(Run::start(run_id.clone(), event));
            }
            (EventKind::RunStarted { .. }, Some(run)) => {
                return Err(Rule::RunActive(run.id.clone()));
            }
            (_, None) => return Err(Rule::NoRun),
            (EventKind::RunFinished { thread_id, run_id, .. }, Some(run)) => {
                same_thread(&self.thread_id, thread_id)?;
                run.may_finish(run_id)?;
                self.run = None;
            }
            (EventKind::RunError { .. }, Some(_)) => self.run = None,
            (_, Some(run)) => run.take(event)?,
        }
        Ok(())
    }
}

impl Run {
    fn start(id: Id, event: &Event) -> Self {
        let mut owners = Owners::default();
        owners.record(event);
        Self { id, open: OpenItems::default(), owners, subagents: Subagents::default() }
    }

    fn may_finish(&self, run_id: &Id) -> Result<(), Rule> {
        if *run_id != self.id {
            return Err(Rule::OtherRun { expected: self.id.clone(), found: run_id.clone() });
        }
        if self.open.is_empty() {
            return Ok(());
        }
        let open = self.open.in_order().into_iter();
        Err(Rule::StillOpen(open.map(|(item, _)| item.clone()).collect()))
    }

    fn take(&mut self, event: &Event) -> Result<(), Rule> {
        let effect = effect(event);
        self.in_order(&effect)?;
        self.subagents.check(event)?;
        self.owners.check(event)?;
        self.open.apply(effect, event);
        self.subagents.record(event);
        self.owners.record(event);
        Ok(())
    }

    fn in_order(&self, effect: &Effect) -> Result<(), Rule> {
        match effect {
            Effect::Opens(item) if self.open.contains(item) => Err(Rule::AlreadyOpen(item.clone())),
            Effect::Continues(item) | Effect::Closes(item) if !self.open.contains(item) => {
                Err(Rule::NotOpen(item.clone()))
            }
            Effect::Opens(_) | Effect::Continues(_) | Effect::Closes(_) | Effect::Nothing => Ok(()),
        }
    }
}

fn same_thread(expected: &Id, found: &Id) -> Result<(), Rule> {
    if expected == found {
        return Ok(());
    }
    Err(Rule::OtherThread { expected: expected.clone(), found: found.clone() })
}
