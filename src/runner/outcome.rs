//! From how a turn ended to the run's outcome and its last events. Pure.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use crate::{
    agui::{Id, RunOutcome, Usage},
    api::{
        outcome::{OutcomeReason as Reason, OutcomeReport},
        run::TokenCounts,
    },
    bridge::{Ending, FailureKind, TurnEnd},
};

use super::{plan::OpenQuestions, probe::Left, stop::StopReason};

/// What a run amounts to.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Verdict {
    pub(crate) report: OutcomeReport,
    pub(crate) terminal: Terminal,
    pub(crate) open: OpenQuestions,
}

/// Which event ends the run.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Terminal {
    Finished(RunOutcome),
    Error,
}

/// Judges a turn by its ending and by why it was told to stop.
pub(crate) fn judge(end: TurnEnd, stop: Option<StopReason>, limit_seconds: u64, left: Left) -> Verdict {
    let usage = usage_of(&end);
    let resume_at = resume_at(&end.ending);
    let (reason, message, terminal, open) = verdict(end.ending, stop, limit_seconds);
    let report = OutcomeReport {
        reason,
        message: Some(message),
        result: end.result,
        structured_output: end.structured_output,
        usage,
        turns: end.turns,
        cost_usd: end.cost_usd,
        git: left.git,
        files: left.files,
        agent_session_id: end.agent_session_id,
        resume_at,
    };
    Verdict { report, terminal, open }
}

/// When the provider takes requests again, if it said so.
fn resume_at(ending: &Ending) -> Option<Time> {
    let Ending::Failed { kind: FailureKind::ProviderLimit { resume_at: Some(seconds) }, .. } = ending else {
        return None;
    };
    jiff::Timestamp::from_second(*seconds).ok().map(Time)
}

type Parts = (Option<Reason>, String, Terminal, OpenQuestions);

fn verdict(ending: Ending, stop: Option<StopReason>, limit_seconds: u64) -> Parts {
    match (ending, stop) {
        (Ending::Completed, _) => finished(Reason::Completed, "The agent finished.", success(Vec::new())),
        (Ending::PendingTools(ids), _) => {
            let open = OpenQuestions { tools: ids.clone(), ..OpenQuestions::default() };
            let message =
                format!("The agent called {} of the client and waits for the result.", count(ids.len(), "tool"));
            (Some(Reason::Completed), message, success(ids), open)
        }
        (Ending::Asked(interrupts), _) => {
            let open = OpenQuestions { interrupts: interrupts.clone(), ..OpenQuestions::default() };
            let message = format!("The agent asks {} and waits.", count(interrupts.len(), "question"));
            (None, message, Terminal::Finished(RunOutcome::Interrupt { interrupts }), open)
        }
        (Ending::Interrupted | Ending::Failed { .. }, Some(stop)) => stopped(stop, limit_seconds),
        (Ending::Interrupted, None) => stopped(StopReason::Cancelled, limit_seconds),
        (Ending::Failed { kind, message }, None) => failed(reason_of(&kind), message),
    }
}

fn count(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

fn success(pending_tool_call_ids: Vec<Id>) -> Terminal {
    Terminal::Finished(RunOutcome::Success { pending_tool_call_ids })
}

fn finished(reason: Reason, message: &str, terminal: Terminal) -> Parts {
    (Some(reason), message.to_owned(), terminal, OpenQuestions::default())
}

fn failed(reason: Reason, message: String) -> Parts {
    (Some(reason), message, Terminal::Error, OpenQuestions::default())
}

fn stopped(stop: StopReason, limit_seconds: u64) -> Parts {
    match stop {
        StopReason::Cancelled => {
            finished(Reason::Cancelled, "The run was cancelled.", Terminal::Finished(RunOutcome::Cancelled))
        }
        StopReason::Deadline => failed(
            Reason::DeadlineExceeded,
            format!("The run did not end within {limit_seconds} s. Raise its timeout, or ask for less."),
        ),
        StopReason::Shutdown => failed(
            Reason::SessionStopped,
            "The session was stopped while the run was going. Create a new run to go on.".to_owned(),
        ),
        StopReason::LogFailed => failed(
            Reason::RunnerLost,
            "The event log could not be written, so the run was ended. Free space in the data directory.".to_owned(),
        ),
    }
}

fn reason_of(kind: &FailureKind) -> Reason {
    match kind {
        FailureKind::MaxTurns => Reason::MaxTurns,
        FailureKind::BudgetExceeded => Reason::BudgetExceeded,
        FailureKind::ProviderLimit { .. } => Reason::ProviderLimit,
        FailureKind::ProviderError => Reason::ProviderError,
        FailureKind::AuthFailed => Reason::AuthFailed,
        FailureKind::AgentError => Reason::AgentError,
        FailureKind::AgentCrashed { out_of_memory: true } => Reason::OOMKilled,
        FailureKind::AgentCrashed { out_of_memory: false } => Reason::AgentCrashed,
        FailureKind::SetupFailed => Reason::SetupFailed,
    }
}

fn usage_of(end: &TurnEnd) -> TokenCounts {
    let sum = |pick: fn(&Usage) -> Option<u64>| end.usage.iter().filter_map(pick).sum();
    TokenCounts {
        input_tokens: sum(|usage| usage.input_tokens),
        output_tokens: sum(|usage| usage.output_tokens),
        cache_read_tokens: sum(|usage| usage.cached_input_tokens),
        cache_write_tokens: sum(|usage| usage.cache_write_input_tokens),
    }
}
