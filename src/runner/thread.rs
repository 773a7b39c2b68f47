//! One thread: its queue, its running turn, and what its last run left open.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::watch;

use super::{
    plan::{OpenQuestions, Plan, Uncovered, plan},
    session::RunRequest,
    stop::{Stop, StopReason},
};
use crate::{
    agui::Id,
    eventlog::{LogError, Seq, ThreadLog},
};

/// Where a run is on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Start {
    /// It waits for this many runs of its thread.
    Queued(usize),
    /// Its first event comes after this seq of the thread's log.
    Started(Seq),
    /// It was not started here: the runner ends. An accepted run is started by the next runner.
    Left,
}

/// What a caller gets for an accepted run: the log to read it from, and when it starts.
#[derive(Debug, Clone)]
pub struct Ticket {
    /// The run that the caller gets; for a run id that the thread knows, that run.
    pub run_id: Id,
    /// The thread's log.
    pub log: ThreadLog,
    /// Where the run is on its way.
    pub start: watch::Receiver<Start>,
}

/// Why a run was not accepted.
#[derive(Debug, thiserror::Error)]
pub enum SubmitError {
    /// Try again when a run has ended.
    #[error(
        "thread '{thread}' is busy: run '{running}' has been going since {since} and {queued} more wait; try again when one has ended"
    )]
    Busy {
        /// The thread.
        thread: Id,
        /// The run that is going.
        running: Id,
        /// When it started, RFC 3339.
        since: jiff::Timestamp,
        /// How many runs wait.
        queued: usize,
    },
    /// Try again when a turn of another thread has ended.
    #[error(
        "{queued} runs of thread '{thread}' wait, since as many turns go on other threads as may; try again when one has ended"
    )]
    Crowded {
        /// The thread.
        thread: Id,
        /// How many of its runs wait.
        queued: usize,
    },
    /// Use a thread that exists, or another session.
    #[error(
        "thread '{thread}' would be one more than the {limit} that this session may have; use one that exists, or another session"
    )]
    TooManyThreads {
        /// The thread that was asked for.
        thread: Id,
        /// How many there may be.
        limit: usize,
    },
    /// The caller must answer first.
    #[error(transparent)]
    Uncovered(#[from] Uncovered),
    /// The runner is ending; try the next one.
    #[error("the runner is shutting down; try again in a moment")]
    Stopping,
    /// The input could not be made durable.
    #[error("the run was not accepted: {0}")]
    Log(#[from] LogError),
}

/// A run that was accepted and has not started.
#[derive(Debug)]
pub(crate) struct Queued {
    pub(crate) request: Arc<RunRequest>,
    pub(crate) start: watch::Sender<Start>,
    pub(crate) stop: Arc<Stop>,
}

/// The run that is going.
#[derive(Debug, Clone)]
pub(crate) struct Active {
    pub(crate) run_id: Id,
    pub(crate) since: jiff::Timestamp,
    pub(crate) stop: Arc<Stop>,
    /// The user behind it.
    user: Option<String>,
    /// Its end is being written; what comes next starts at once.
    ending: bool,
}

#[derive(Debug, Default)]
struct State {
    queue: VecDeque<Queued>,
    active: Option<Active>,
    open: OpenQuestions,
    /// Somebody works on the queue.
    working: bool,
    closed: bool,
}

/// A thread of this runner.
#[derive(Debug)]
pub(crate) struct Thread {
    pub(crate) id: Id,
    pub(crate) log: ThreadLog,
    state: Mutex<State>,
}

/// By which right a run comes into the queue.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Admission {
    /// It is new: it may be refused, and at most `limit` runs wait.
    New { limit: usize },
    /// It was accepted by a former runner: neither the bound nor an open question refuses it now.
    AcceptedBefore,
}

/// What became of a run that was offered to a thread.
#[derive(Debug)]
pub(crate) enum Offered {
    /// It is in the queue.
    Accepted {
        ticket: Ticket,
        /// Nobody works on the thread's queue yet.
        idle: bool,
        /// No run is in front of it.
        next: bool,
    },
    /// The thread has this run already.
    Known(Ticket),
}

impl Thread {
    pub(crate) fn new(id: Id, log: ThreadLog, open: OpenQuestions) -> Self {
        Self { id, log, state: Mutex::new(State { open, ..State::default() }) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Every critical section leaves the state whole, so a panic elsewhere does not spoil it.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a run into the queue. A run id that the thread knows changes nothing.
    pub(crate) fn offer(&self, request: Arc<RunRequest>, admission: Admission) -> Result<Offered, SubmitError> {
        let mut state = self.state();
        if let Some(ticket) = self.known(&state, &request.input.run_id) {
            return Ok(Offered::Known(ticket));
        }
        if state.closed {
            return Err(SubmitError::Stopping);
        }
        self.check(&state, &request, admission)?;
        let idle = !std::mem::replace(&mut state.working, true);
        let next = state.queue.is_empty() && state.active.as_ref().is_none_or(|active| active.ending);
        let waits = state.queue.len() + usize::from(state.active.is_some());
        let (start, receiver) = watch::channel(Start::Queued(waits));
        let ticket = self.ticket(request.input.run_id.clone(), receiver);
        let follow_up = request.options.follow_up;
        let queued = Queued { request, start, stop: Arc::default() };
        if follow_up {
            state.queue.push_front(queued);
        } else {
            state.queue.push_back(queued);
        }
        Ok(Offered::Accepted { ticket, idle, next })
    }

    fn check(&self, state: &State, request: &RunRequest, admission: Admission) -> Result<(), SubmitError> {
        let Admission::New { limit } = admission else {
            return Ok(());
        };
        if request.options.follow_up {
            return Ok(());
        }
        match &state.active {
            Some(active) if !active.ending && state.queue.len() >= limit => Err(self.busy(active, state.queue.len())),
            Some(active) if !active.ending => Ok(()),
            None if state.queue.len() > limit => {
                Err(SubmitError::Crowded { thread: self.id.clone(), queued: state.queue.len() })
            }
            Some(_) | None => plan(&request.input, &state.open).map(drop).map_err(Into::into),
        }
    }

    fn busy(&self, active: &Active, queued: usize) -> SubmitError {
        SubmitError::Busy { thread: self.id.clone(), running: active.run_id.clone(), since: active.since, queued }
    }

    fn ticket(&self, run_id: Id, start: watch::Receiver<Start>) -> Ticket {
        Ticket { run_id, log: self.log.clone(), start }
    }

    fn known(&self, state: &State, run_id: &Id) -> Option<Ticket> {
        if let Some(span) = self.log.run(run_id) {
            let (_, start) = watch::channel(Start::Started(span.first - 1));
            return Some(self.ticket(run_id.clone(), start));
        }
        let waiting = state.queue.iter().find(|queued| queued.request.input.run_id == *run_id)?;
        Some(self.ticket(run_id.clone(), waiting.start.subscribe()))
    }

    /// The next run to start, which becomes the active one. While a person must answer, only a run that answers goes. A
    /// follow-up whose matter another run has told does not start. It is asked under the lock: one that is offered after a
    /// "no" stays.
    pub(crate) fn take_next(
        &self,
        now: jiff::Timestamp,
        has_follow_up: impl FnOnce() -> bool,
    ) -> Option<(Queued, Plan)> {
        let mut state = self.state();
        state.active = None;
        if state.queue.iter().any(|queued| queued.request.options.follow_up) && !has_follow_up() {
            state.queue.retain(|queued| !queued.request.options.follow_up);
        }
        let found = state.queue.iter().enumerate().find_map(|(at, queued)| {
            let plan = plan(&queued.request.input, &state.open).ok()?;
            Some((at, plan))
        });
        state.working = found.is_some();
        let (at, plan) = found?;
        let queued = state.queue.remove(at)?;
        state.open = OpenQuestions::default();
        state.active = Some(Active {
            run_id: queued.request.input.run_id.clone(),
            since: now,
            stop: Arc::clone(&queued.stop),
            user: queued.request.caller.user_id.clone(),
            ending: false,
        });
        for (at, waiting) in state.queue.iter().enumerate() {
            waiting.start.send_replace(Start::Queued(at + 1));
        }
        Some((queued, plan))
    }

    /// Takes a run back that could not be made durable.
    pub(crate) fn withdraw(&self, run_id: &Id) {
        self.state().queue.retain(|queued| queued.request.input.run_id != *run_id);
    }

    /// Whether a turn runs.
    pub(crate) fn is_busy(&self) -> bool {
        self.state().active.as_ref().is_some_and(|active| !active.ending)
    }

    /// The running turn is over and leaves this open. Said before its end can be read, so that whoever has read it finds the
    /// thread free.
    pub(crate) fn is_ending(&self, open: OpenQuestions) {
        let mut state = self.state();
        state.open = open;
        if let Some(active) = &mut state.active {
            active.ending = true;
        }
    }

    /// The user behind the running turn, or behind the run of `run_id`, which may still wait.
    pub(crate) fn owner(&self, run_id: Option<&Id>) -> Option<String> {
        let state = self.state();
        let active = state.active.as_ref().filter(|active| run_id.is_none_or(|wanted| *wanted == active.run_id));
        if let Some(active) = active {
            return active.user.clone();
        }
        let queued = state.queue.iter().find(|queued| run_id == Some(&queued.request.input.run_id))?;
        queued.request.caller.user_id.clone()
    }

    /// Stops the running turn, or that of `run_id` only; a queued run of that id ends when its turn comes.
    pub(crate) fn stop(&self, run_id: Option<&Id>, reason: StopReason) -> bool {
        let state = self.state();
        let wanted = |id: &Id| run_id.is_none_or(|wanted| wanted == id);
        let active = state.active.iter().filter(|active| wanted(&active.run_id)).map(|active| &active.stop);
        let queued =
            state.queue.iter().filter(|queued| run_id == Some(&queued.request.input.run_id)).map(|queued| &queued.stop);
        let stops: Vec<_> = active.chain(queued).collect();
        for stop in &stops {
            stop.because(reason);
        }
        !stops.is_empty()
    }

    /// Takes no more runs and stops the running turn; the waiting ones are left to the next runner.
    pub(crate) fn close(&self) {
        let mut state = self.state();
        state.closed = true;
        for queued in state.queue.drain(..) {
            queued.start.send_replace(Start::Left);
        }
        if let Some(active) = &state.active {
            active.stop.because(StopReason::Shutdown);
        }
    }
}
