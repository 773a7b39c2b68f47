//! What a run's terminal event means, together with the runner's report.

use super::report::Report;
use crate::{
    agui::{Interrupt, RunOutcome},
    api::{
        limits::{cut, json_len},
        outcome::OutcomeReason,
        run::{self, Outcome, RunPhase},
    },
};

/// The most bytes of an outcome's message as JSON.
const MAX_MESSAGE: usize = 1024;

/// The most bytes of all questions of a run, without and with the forms of their answers.
const MAX_QUESTIONS: usize = 3 * 1024;
const MAX_WITH_SCHEMAS: usize = 4 * 1024;

/// How a run ended.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum End {
    /// It is over.
    Over(Outcome),
    /// It asks; a later run answers.
    Asks(Vec<run::Interrupt>),
}

impl End {
    /// After `RUN_FINISHED`.
    pub(super) fn finished(report: &Report, outcome: Option<&RunOutcome>) -> Self {
        match outcome {
            Some(RunOutcome::Interrupt { interrupts }) => Self::Asks(questions(interrupts)),
            Some(RunOutcome::Cancelled) => {
                let told = report.reason.filter(|reason| reason.phase() == RunPhase::Cancelled);
                Self::over(told.unwrap_or(OutcomeReason::Cancelled), report, None)
            }
            Some(RunOutcome::Success { .. }) | None => {
                Self::over(report.reason.unwrap_or(OutcomeReason::Completed), report, None)
            }
        }
    }

    /// After `RUN_ERROR`. Its code is the reason. A run that ended so did not succeed, whatever else says so: a runner can
    /// die between its report and the terminal event.
    pub(super) fn failed(report: &Report, code: Option<&str>, message: &str) -> Self {
        let bad = |reason: &OutcomeReason| reason.phase() != RunPhase::Succeeded;
        let by_code = code.and_then(|code| code.parse().ok()).filter(bad);
        let reason = by_code.or(report.reason.filter(bad)).unwrap_or(OutcomeReason::AgentError);
        Self::over(reason, report, Some(message))
    }

    fn over(reason: OutcomeReason, report: &Report, message: Option<&str>) -> Self {
        let told = report.message.as_deref().filter(|_| report.reason == Some(reason));
        let message = told.or(message).filter(|message| !message.is_empty());
        let note = report.left_out.map(|size| {
            format!("The structured answer ({size} bytes) is too large for a status: it is in the run's events.")
        });
        let message = match (message, note) {
            (Some(message), Some(note)) => Some(format!("{} {note}", cut(message, MAX_MESSAGE - note.len() - 1))),
            (Some(message), None) => Some(cut(message, MAX_MESSAGE).into_owned()),
            (None, note) => note,
        };
        Self::Over(Outcome { reason, message })
    }
}

/// The questions in the order in which they were asked, as many as fit; then the forms of their answers, likewise. A
/// question whose id cannot be given in a Run is left to clients of the event stream.
fn questions(interrupts: &[Interrupt]) -> Vec<run::Interrupt> {
    let mut used = 0;
    let mut fits = |size: Option<usize>, max: usize| {
        let sum = size.map(|size| used + size).filter(|sum| *sum <= max);
        used = sum.unwrap_or(used);
        sum.is_some()
    };
    let answerable = interrupts.iter().filter(|interrupt| (1..=128).contains(&interrupt.id.len()));
    let mut kept: Vec<(&Interrupt, run::Interrupt)> = Vec::new();
    for interrupt in answerable {
        let question = question(interrupt);
        if !fits(json_len(&question), MAX_QUESTIONS) {
            break;
        }
        kept.push((interrupt, question));
    }
    let with_schema = kept.into_iter().map(|(interrupt, mut question)| {
        let schema = interrupt.response_schema.as_ref().filter(|schema| fits(json_len(schema), MAX_WITH_SCHEMAS));
        question.response_schema = schema.cloned().map(serde_json::Value::Object);
        question
    });
    with_schema.collect()
}

fn question(interrupt: &Interrupt) -> run::Interrupt {
    let short = |text: &str, max| cut(text, max).into_owned();
    run::Interrupt {
        id: interrupt.id.to_string(),
        reason: short(&interrupt.reason, 64),
        message: interrupt.message.as_deref().map(|message| short(message, MAX_MESSAGE)),
        tool_call_id: interrupt.tool_call_id.as_deref().filter(|id| id.len() <= 128).map(str::to_owned),
        response_schema: None,
        expires_at: interrupt.expires_at.as_deref().map(|time| short(time, 64)),
    }
}
