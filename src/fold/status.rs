//! Putting the status together, within its 16 KiB.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, Time};

use super::{Fold, MAX_RESULT_BYTES, MAX_STATUS_BYTES, end::End, timestamp};
use crate::api::{
    limits::{CUT_MARK, cut, json_len},
    run::{GitState, RunEvents, RunPhase, RunStatus, TokenCounts, Usage},
};

/// What is kept free for conditions and for what is not told by events.
const RESERVE: usize = 2 * 1024;

/// The most bytes of the states of all repositories.
const MAX_GIT: usize = 1536;

/// The most bytes of an id.
const MAX_ID: usize = 256;

/// The status of what is known so far.
pub(super) fn status(fold: &Fold) -> RunStatus {
    let (thread_id, run_id) = fold.ids.clone().unzip();
    let short = |id: crate::agui::Id| cut(&id, MAX_ID).into_owned();
    let mut status = RunStatus {
        phase: phase(fold),
        run_id: run_id.map(short),
        thread_id: thread_id.map(short),
        start_time: fold.started_ms.and_then(timestamp).map(Time),
        first_event_time: fold.first_event_ms.and_then(timestamp).map(MicroTime),
        structured_output: fold.report.structured_output.clone(),
        usage: usage(fold),
        events: (fold.count > 0).then(|| events(fold)),
        git: git(&fold.report.git),
        files: fold.report.files.clone(),
        trace_id: fold.trace_id.clone(),
        resume_at: fold.report.resume_at.clone(),
        ..RunStatus::default()
    };
    add_end(&mut status, fold);
    add_result(&mut status, fold);
    status
}

fn phase(fold: &Fold) -> RunPhase {
    match &fold.end {
        Some((_, End::Over(outcome))) => outcome.reason.phase(),
        Some((_, End::Asks(_))) => RunPhase::WaitingForInput,
        None if fold.count > 0 => RunPhase::Running,
        None => RunPhase::Pending,
    }
}

/// Known when the run is at its end.
fn usage(fold: &Fold) -> Option<Usage> {
    let report = &fold.report;
    let tokens = if report.is_there { report.usage } else { fold.usage };
    let is_known = report.is_there || tokens != TokenCounts::default();
    is_known.then(|| Usage::new(tokens, report.turns, report.cost_usd))
}

fn events(fold: &Fold) -> RunEvents {
    RunEvents { count: fold.count, last_id: fold.last_id, recent: fold.recent.lines(), log: None }
}

/// As many repositories as fit.
fn git(repos: &[GitState]) -> Vec<GitState> {
    let mut used = 0;
    let fits = |repo: &&GitState| {
        used += json_len(repo).unwrap_or(MAX_GIT) + 1;
        used <= MAX_GIT
    };
    repos.iter().take_while(fits).cloned().collect()
}

fn add_end(status: &mut RunStatus, fold: &Fold) {
    match &fold.end {
        None => {}
        Some((_, End::Asks(interrupts))) => status.interrupts.clone_from(interrupts),
        Some((at_ms, End::Over(outcome))) => {
            status.outcome = Some(outcome.clone());
            status.completion_time = timestamp(*at_ms).map(Time);
            let took = fold.started_ms.map(|started| at_ms.saturating_sub(started));
            status.duration = took.map(duration);
        }
    }
}

/// The final text gets the room that everything else leaves.
fn add_result(status: &mut RunStatus, fold: &Fold) {
    let told = fold.report.result.as_deref();
    let Some(text) = told.or(fold.text.get()) else {
        return;
    };
    let others = json_len(status).unwrap_or(MAX_STATUS_BYTES);
    let room = (MAX_STATUS_BYTES - RESERVE).saturating_sub(others + r#","result":"""#.len());
    status.result = Some(cut(&within(text, MAX_RESULT_BYTES), room).into_owned());
}

/// At most `max` bytes of a text, with a mark where it was cut.
fn within(text: &str, max: usize) -> std::borrow::Cow<'_, str> {
    if text.len() <= max {
        return text.into();
    }
    format!("{}{CUT_MARK}", &text[..text.floor_char_boundary(max - CUT_MARK.len())]).into()
}

/// A time span as people say it: `0.4s`, `6s`, `1m12s`, `2h05m`.
fn duration(ms: i64) -> String {
    let seconds = ms.max(0) / 1000;
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, 0) => format!("0.{}s", ms.max(0) / 100),
        (0, 0, seconds) => format!("{seconds}s"),
        (0, minutes, seconds) => format!("{minutes}m{seconds:02}s"),
        (hours, minutes, _) => format!("{hours}h{minutes:02}m"),
    }
}

#[cfg(test)]
mod tests {
    use super::duration;

    #[test]
    fn time_spans_read_as_people_say_them() {
        for (ms, text) in [(-5, "0.0s"), (420, "0.4s"), (6_999, "6s"), (72_000, "1m12s"), (7_500_000, "2h05m")] {
            assert_eq!(duration(ms), text);
        }
    }
}
