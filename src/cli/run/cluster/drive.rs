//! The Runs of a session, one after the other: one that is meant to follow another is written when that has ended.

use std::{collections::VecDeque, time::Duration};

use kube::runtime::wait::await_condition;

use super::{
    super::{
        RunError, drive,
        job::{Job, session_name},
        output::Output,
        questions,
        render::ended_before,
        signals::Interrupts,
    },
    connect::Cluster,
    error::ClusterError,
    follow::{Followed, follow},
    plan::{self, Step},
};
use crate::api::{AgenticSession, Run, outcome::exit, run::RunPhase};

/// How long the operator may take to make the Run of an `initialPrompt`.
const MADE: Duration = Duration::from_mins(1);

/// What the Runs are followed with.
pub(super) struct Drive<'a> {
    pub(super) cluster: &'a Cluster,
    pub(super) output: &'a mut Output,
    pub(super) session: AgenticSession,
    /// Those that are over, with what they ended with.
    pub(super) runs: Vec<Run>,
    pub(super) codes: Vec<u8>,
}

/// Whether the Runs that come next are run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Goes {
    On,
    /// A person wants no more.
    NoFurther,
    /// A Run asks, and nobody answers: those behind it would wait for ever.
    Unanswered,
}

impl Drive<'_> {
    /// Every Run, until a person wants no more.
    pub(super) async fn all(mut self, steps: Vec<Step>) -> Result<(Job, u8), RunError> {
        let mut interrupts = Interrupts::new().map_err(RunError::Signals)?;
        let has_work = steps.iter().any(|step| !matches!(step, Step::Over(_)));
        let mut steps = VecDeque::from(steps);
        while let Some(step) = steps.pop_front() {
            let code = match self.step(step, &mut steps, has_work, &mut interrupts).await? {
                Goes::On => continue,
                Goes::NoFurther => exit::INTERRUPTED,
                Goes::Unanswered => plan::exit_code(&self.codes),
            };
            self.not_started(&steps);
            return Ok((Job { session: self.session, runs: self.runs }, code));
        }
        let code = plan::exit_code(&self.codes);
        Ok((Job { session: self.session, runs: self.runs }, code))
    }

    fn not_started(&mut self, left: &VecDeque<Step>) {
        let waiting = left.iter().filter(|step| matches!(step, Step::Write(_))).count();
        if waiting > 0 {
            self.output.notice(&format!("not started: {waiting}; the same command goes on with it"));
        }
    }

    async fn step(
        &mut self,
        step: Step,
        next: &mut VecDeque<Step>,
        has_work: bool,
        interrupts: &mut Interrupts,
    ) -> Result<Goes, RunError> {
        let run = match step {
            Step::Over(run) => {
                // Where nothing is run, the last one tells how things stand.
                let counts = !has_work && next.is_empty();
                self.was_over(&run, counts);
                return self.ask(*run, counts, next, interrupts).await;
            }
            Step::Await(name) => match self.made(&name, interrupts).await? {
                Some(run) => run,
                None => return Ok(Goes::NoFurther),
            },
            Step::Write(run) => self.cluster.write(&*run).await?,
        };
        self.output.run_begins(&run);
        match follow(self.cluster, self.output, &self.session, &run, interrupts).await? {
            Followed::ByItself(run) => {
                self.output.run_ended(&run);
                self.ask(*run, true, next, interrupts).await
            }
            Followed::Interrupted(run) => {
                self.output.run_ended(&run);
                self.runs.push(*run);
                Ok(Goes::NoFurther)
            }
            Followed::Twice => {
                let name = run.metadata.name.clone().unwrap_or_default();
                let namespace = &self.cluster.namespace;
                self.output.notice(&format!(
                    "Run {name} may go on in the cluster; follow it again: ambient events --run {namespace}/{name}"
                ));
                self.runs.push(run);
                Ok(Goes::NoFurther)
            }
        }
    }

    /// A Run is never run again, and the person is told what to do instead.
    fn was_over(&mut self, run: &Run, is_last: bool) {
        if !is_last {
            return self.output.notice(&format!("not run again: {}", ended_before(run)));
        }
        self.output.nothing_to_run(run);
        let name = run.metadata.name.as_deref().unwrap_or_default();
        self.output.notice(&format!("to do the work of {name} once more, give the Run another name"));
    }

    /// The Run that the operator makes; none: the person wants no more.
    async fn made(&mut self, name: &str, interrupts: &mut Interrupts) -> Result<Option<Run>, RunError> {
        let api = self.cluster.api::<Run>();
        let made = tokio::time::timeout(MADE, await_condition(api, name, |run: Option<&Run>| run.is_some()));
        let made = tokio::select! {
            made = made => made,
            () = interrupts.next() => {
                let at = format!("{}/{name}", self.cluster.namespace);
                self.output.notice(&format!("the session goes on in the cluster; follow it: ambient events --run {at}"));
                return Ok(None);
            }
        };
        let (run, namespace) = (name.to_owned(), self.cluster.namespace.clone());
        let not_made = ClusterError::NotMade { run, namespace };
        match made {
            Ok(Ok(Some(run))) => Ok(Some(run)),
            Ok(Ok(None) | Err(_)) | Err(_) => Err(not_made.into()),
        }
    }

    /// Puts a Run's questions to the person at the terminal; the answers become the next Run. `counts`: what it ended with
    /// is part of the exit code, unless it is answered.
    async fn ask(
        &mut self,
        run: Run,
        counts: bool,
        next: &mut VecDeque<Step>,
        interrupts: &mut Interrupts,
    ) -> Result<Goes, RunError> {
        let asks = run.status.as_ref().is_some_and(|status| status.phase == RunPhase::WaitingForInput);
        let answers = |step: &Step| matches!(step, Step::Write(run) if run.spec.resume.is_some());
        let mut answered = asks && next.iter().any(answers);
        let mut goes = Goes::On;
        if asks && !answered && self.output.can_ask() {
            let asked = tokio::select! {
                asked = questions::ask(session_name(&self.session), &run) => Some(asked),
                () = interrupts.next() => None,
            };
            goes = if asked.is_some() { Goes::On } else { Goes::NoFurther };
            if let Some(answer) = asked.flatten() {
                next.push_front(Step::Write(Box::new(fresh(answer))));
                answered = true;
            }
        }
        let blocks = !answered && plan::blocks(&run, next.iter());
        if blocks && goes == Goes::On {
            goes = Goes::Unanswered;
        }
        if !answered && (counts || blocks) {
            self.codes.push(drive::exit_code(&run));
        }
        self.runs.push(run);
        Ok(goes)
    }
}

/// The Run without what only the API server gives.
fn fresh(mut run: Run) -> Run {
    run.metadata.uid = None;
    run.metadata.creation_timestamp = None;
    run
}
