//! Runs the Runs of a session one after the other and shows what happens.

use std::sync::Arc;

use jiff::Timestamp;

use super::{
    RunError,
    job::{Job, session_name},
    output::Output,
    place::Place,
    questions,
    request::{self, request, thread_id},
    signals::Interrupts,
    status,
};
use crate::{
    agui::Id,
    api::{
        Run,
        outcome::{self, exit},
        run::{DesiredState, RunPhase},
    },
    eventlog::Chunk,
    fold::Fold,
    runner::{Engine, Follow, Ticket},
};

/// How the whole command ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    /// Every Run was looked at; the code is that of the first one that did not succeed.
    Done(u8),
    /// A person interrupted twice.
    Quit,
}

/// What the Runs are run with.
pub(super) struct Drive<'a> {
    pub(super) engine: &'a Arc<Engine>,
    pub(super) place: &'a Place,
    pub(super) output: &'a mut Output,
    pub(super) job: Job,
    /// When the session's own deadline is.
    pub(super) deadline: Option<Timestamp>,
}

/// How following a Run came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Followed {
    /// The Run ended.
    ByItself,
    /// A person interrupted it, and it ended.
    Interrupted,
    /// A person interrupted twice, and it may be going still.
    Twice,
}

impl Drive<'_> {
    /// Runs every Run that has not ended, oldest first. An interrupted Run is the last one: what comes after it was meant to
    /// follow a Run that did its work.
    pub(super) async fn all(mut self) -> Result<(Job, Ended), RunError> {
        let mut interrupts = Interrupts::new().map_err(RunError::Signals)?;
        let mut code = None;
        let mut at = 0;
        while at < self.job.runs.len() {
            if !status::had_its_turn(&self.job.runs[at]) {
                let followed = self.one(at, &mut interrupts).await?;
                let ended = exit_code(&self.job.runs[at]);
                code = code.filter(|code| *code != exit::SUCCEEDED).or(Some(ended));
                match followed {
                    Followed::ByItself => {}
                    Followed::Interrupted => return Ok(self.stopped(at)),
                    Followed::Twice => return Ok((self.job, Ended::Quit)),
                }
            }
            if !self.ask(at, &mut interrupts).await? {
                return Ok(self.stopped(at));
            }
            at += 1;
        }
        let code = code.unwrap_or_else(|| self.nothing_to_do());
        Ok((self.job, Ended::Done(code)))
    }

    /// A person wants no more after this Run.
    fn stopped(self, at: usize) -> (Job, Ended) {
        let waiting = self.job.runs[at + 1..].iter().filter(|run| !status::had_its_turn(run)).count();
        if waiting > 0 {
            self.output.notice(&format!("not started: {waiting}; the next `ambient run` goes on with it"));
        }
        (self.job, Ended::Done(exit::INTERRUPTED))
    }

    /// Every Run has ended before: says so, and how the last one did.
    fn nothing_to_do(&mut self) -> u8 {
        let Some(last) = self.job.runs.last() else {
            return exit::SUCCEEDED;
        };
        self.output.nothing_to_run(last);
        exit_code(last)
    }

    async fn one(&mut self, at: usize, interrupts: &mut Interrupts) -> Result<Followed, RunError> {
        if self.job.runs[at].spec.desired_state == DesiredState::Cancelled {
            status::cancelled(&mut self.job.runs[at], Timestamp::now());
            self.place.save_run(&self.job.runs[at])?;
            return Ok(Followed::ByItself);
        }
        let run = &self.job.runs[at];
        self.output.run_begins(run);
        let remaining = self.deadline.map(|deadline| seconds_until(deadline, Timestamp::now()));
        let ticket = self.engine.submit(request(&self.job.session, run, remaining)).await?;
        let followed = self.follow(at, ticket, interrupts).await?;
        self.place.save_run(&self.job.runs[at])?;
        if followed != Followed::Twice {
            self.answered(at)?;
            self.output.run_ended(&self.job.runs[at]);
        }
        Ok(followed)
    }

    /// Shows a run's events until its last one.
    async fn follow(
        &mut self,
        at: usize,
        mut ticket: Ticket,
        interrupts: &mut Interrupts,
    ) -> Result<Followed, RunError> {
        let mut following = Follow::start(&mut ticket).await.ok_or(RunError::NotStarted)?;
        let mut fold = Fold::new();
        let thread = thread_id(&self.job.session, &self.job.runs[at]);
        let mut interrupted = false;
        loop {
            tokio::select! {
                chunk = following.next() => {
                    let (chunk, last) = chunk?;
                    self.show(&chunk, &mut fold)?;
                    status::observed(&mut self.job.runs[at], fold.status(), Timestamp::now());
                    if last {
                        // A status that says so must not outlive the log that shows it.
                        ticket.log.sync().await?;
                        self.remember(&thread, &fold);
                        return Ok(if interrupted { Followed::Interrupted } else { Followed::ByItself });
                    }
                }
                () = interrupts.next() => {
                    if std::mem::replace(&mut interrupted, true) {
                        return Ok(Followed::Twice);
                    }
                    self.output.notice("interrupting… (again to quit)");
                    self.engine.interrupt(&thread, Some(following.run_id()));
                }
            }
        }
    }

    /// Keeps the agent's own id of the session's conversation; other threads are conversations of their own.
    fn remember(&mut self, thread: &Id, fold: &Fold) {
        if thread.as_str() == session_name(&self.job.session)
            && let Some(id) = fold.agent_session_id()
        {
            self.job.session.status.get_or_insert_default().sdk_session_id = Some(id.to_owned());
        }
    }

    fn show(&mut self, chunk: &Chunk, fold: &mut Fold) -> Result<(), RunError> {
        for record in chunk.records() {
            let event = record.event().map_err(RunError::Record)?;
            fold.apply(record.seq(), record.at(), &event);
            self.output.event(&record, &event);
        }
        Ok(())
    }

    /// Turns the Run that asked into one that was answered, once the answer has started.
    fn answered(&mut self, at: usize) -> Result<(), RunError> {
        if self.job.runs[at].spec.resume.is_none() {
            return Ok(());
        }
        let thread = thread_id(&self.job.session, &self.job.runs[at]);
        let name = self.job.runs[at].metadata.name.clone().unwrap_or_default();
        let session = self.job.session.clone();
        let asking = self.job.runs[..at].iter_mut().rev().find(|run| {
            let waits = run.status.as_ref().is_some_and(|s| s.phase == RunPhase::WaitingForInput);
            waits && request::thread_id(&session, run) == thread
        });
        if let Some(asking) = asking {
            status::answered(asking, &name, Timestamp::now());
            self.place.save_run(asking)?;
        }
        Ok(())
    }

    /// Puts a Run's questions to the person at the terminal; the answers become the next Run. False: the person wants no
    /// more.
    async fn ask(&mut self, at: usize, interrupts: &mut Interrupts) -> Result<bool, RunError> {
        let run = &self.job.runs[at];
        let asks = run.status.as_ref().is_some_and(|status| status.phase == RunPhase::WaitingForInput);
        let answered_by_manifest = self.job.runs[at + 1..].iter().any(|run| run.spec.resume.is_some());
        if !asks || answered_by_manifest || !self.output.can_ask() {
            return Ok(true);
        }
        let answer = tokio::select! {
            answer = questions::ask(session_name(&self.job.session), run) => answer,
            () = interrupts.next() => return Ok(false),
        };
        if let Some(answer) = answer {
            self.place.save_run(&answer)?;
            self.job.runs.insert(at + 1, answer);
        }
        Ok(true)
    }
}

/// What a Run's end is for the command.
pub(super) fn exit_code(run: &Run) -> u8 {
    let status = run.status.as_ref();
    let phase = status.map(|status| status.phase).unwrap_or_default();
    outcome::exit_code(phase, status.and_then(|status| Some(status.outcome.as_ref()?.reason)))
}

/// Whole seconds, at least one: a deadline that has passed ends the run at once, with its reason.
fn seconds_until(deadline: Timestamp, now: Timestamp) -> u64 {
    u64::try_from(deadline.as_second() - now.as_second()).unwrap_or(0).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_that_has_passed_leaves_one_second() {
        let now = Timestamp::from_second(100).unwrap();
        assert_eq!(seconds_until(Timestamp::from_second(160).unwrap(), now), 60);
        assert_eq!(seconds_until(Timestamp::from_second(10).unwrap(), now), 1);
    }
}
