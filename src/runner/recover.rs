//! What a runner does with a log that a former runner left: end the open run, find what waits, remember what asks.

use super::{plan::OpenQuestions, session::RunRequest, turn::now_ms};
use crate::{
    agui::{Event, EventKind, RunOutcome},
    api::outcome::{self, OutcomeReason, OutcomeReport},
    eventlog::{LogError, RunSpan, ThreadLog},
};

const LOST: &str = "The runner ended while this run was going; what the agent did until then is kept. A run that has \
                    started is never started again: create a new run to go on.";

/// Ends the run that the former runner left open, if it did, and tells what the last run left open.
pub(crate) async fn end_open_run(log: &ThreadLog) -> Result<OpenQuestions, LogError> {
    let Some(last) = log.runs().pop() else {
        return Ok(OpenQuestions::default());
    };
    if last.ended {
        return open_questions(log, &last).await;
    }
    log.append_reserved(&last.run_id, now_ms(), &[lost_outcome(), lost_error()])?;
    log.sync().await?;
    Ok(OpenQuestions::default())
}

fn lost_outcome() -> Event {
    let report = OutcomeReport {
        reason: Some(OutcomeReason::RunnerLost),
        message: Some(LOST.to_owned()),
        ..OutcomeReport::default()
    };
    let value = serde_json::to_value(report).unwrap_or_default();
    stamped(EventKind::Custom { name: outcome::EVENT_NAME.to_owned(), value })
}

fn lost_error() -> Event {
    let code = Some(OutcomeReason::RunnerLost.to_string());
    stamped(EventKind::RunError { message: LOST.to_owned(), code, usage: Vec::new() })
}

fn stamped(kind: EventKind) -> Event {
    Event { timestamp: Some(now_ms()), ..kind.into() }
}

async fn open_questions(log: &ThreadLog, last: &RunSpan) -> Result<OpenQuestions, LogError> {
    let chunk = log.reader(last.last - 1).next().await?;
    let Some(Ok(event)) = chunk.records().next().map(|record| record.event()) else {
        return Ok(OpenQuestions::default());
    };
    Ok(match event.kind {
        EventKind::RunFinished { outcome: Some(RunOutcome::Interrupt { interrupts }), .. } => {
            OpenQuestions { interrupts, ..OpenQuestions::default() }
        }
        EventKind::RunFinished { outcome: Some(RunOutcome::Success { pending_tool_call_ids }), .. } => {
            OpenQuestions { tools: pending_tool_call_ids, ..OpenQuestions::default() }
        }
        _ => OpenQuestions::default(),
    })
}

/// Runs that were accepted and never started, oldest first.
pub(crate) fn waiting_runs(log: &ThreadLog) -> Vec<RunRequest> {
    log.pending().iter().filter_map(|accepted| readable(accepted.input.get())).collect()
}

fn readable(json: &str) -> Option<RunRequest> {
    let parsed = serde_json::from_str(json);
    parsed.inspect_err(|error| tracing::error!(%error, "an accepted run could not be read and is left out")).ok()
}

/// Makes a run that has to wait durable.
pub(crate) async fn remember_waiting(log: &ThreadLog, request: &RunRequest) -> Result<(), LogError> {
    let encode = |error: serde_json::Error| LogError::Encode { reason: error.to_string() };
    let json = serde_json::value::to_raw_value(request).map_err(encode)?;
    log.accept(&request.input.run_id, now_ms(), &json).await?;
    Ok(())
}
