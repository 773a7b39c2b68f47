//! Events to status: what each ending means, and that a status is bounded whatever the events are.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/events.rs"]
mod events;

use ambient::{
    agui::{Event, Interrupt, RunOutcome, Usage},
    api::{
        outcome::{OutcomeReason, OutcomeReport},
        run::{GitState, RunPhase, RunStatus, TokenCounts},
    },
    fold::{Fold, MAX_RESULT_BYTES},
};
use events::{args, call, call_end, content, end, error, finished, report, result, start, started};
use serde_json::json;

/// Folds events, a second apart.
fn fold(events: &[Event]) -> RunStatus {
    let mut fold = Fold::new();
    for (position, event) in (1..).zip(events) {
        fold.apply(position, i64::try_from(position).unwrap() * 1000, event);
    }
    fold.status()
}

fn says(text: &str) -> Vec<Event> {
    vec![start("m"), content("m", text), end("m")]
}

fn run(middle: Vec<Event>, last: Event) -> RunStatus {
    let events: Vec<Event> = std::iter::once(started()).chain(middle).chain([last]).collect();
    fold(&events)
}

fn reason(status: &RunStatus) -> Option<OutcomeReason> {
    status.outcome.as_ref().map(|outcome| outcome.reason)
}

fn completed() -> OutcomeReport {
    OutcomeReport { reason: Some(OutcomeReason::Completed), ..OutcomeReport::default() }
}

#[test]
fn nothing_is_known_of_a_run_without_events() {
    assert_eq!(Fold::new().status(), RunStatus::default());
}

#[test]
fn a_run_without_a_terminal_event_is_running() {
    let status = fold(&[started(), start("m")]);
    assert_eq!(status.phase, RunPhase::Running);
    assert_eq!((status.run_id.as_deref(), status.thread_id.as_deref()), (Some("r"), Some("t")));
    assert!(status.outcome.is_none() && status.completion_time.is_none() && status.duration.is_none());
}

#[test]
fn a_finished_run_tells_its_outcome_usage_and_repositories() {
    let told = OutcomeReport {
        result: Some("Done.".into()),
        usage: TokenCounts { input_tokens: 100, output_tokens: 7, cache_read_tokens: 60, cache_write_tokens: 3 },
        turns: 4,
        cost_usd: Some(0.1 + 0.2),
        git: vec![GitState { name: "web".into(), dirty: true, ..GitState::default() }],
        structured_output: Some(json!({"words": 3})),
        agent_session_id: Some("abc".into()),
        ..completed()
    };
    let status = run(vec![report(&told)], finished(None));
    assert_eq!((status.phase, reason(&status)), (RunPhase::Succeeded, Some(OutcomeReason::Completed)));
    assert_eq!(status.result.as_deref(), Some("Done."));
    assert_eq!(status.structured_output, Some(json!({"words": 3})));
    assert_eq!(status.git, told.git);
    let usage = status.usage.unwrap();
    assert_eq!((usage.input_tokens, usage.output_tokens, usage.turns), (100, 7, 4));
    assert_eq!(usage.cost_usd, Some(0.3));
    assert_eq!(status.duration.as_deref(), Some("2s"));
}

#[test]
fn without_a_report_the_result_is_the_last_text_and_the_usage_that_of_the_terminal_event() {
    let usage = Usage { input_tokens: Some(5), output_tokens: Some(2), ..Usage::default() };
    let last = events::finished_with(None, vec![usage.clone(), usage]);
    let status = run([says("first"), says("last")].concat(), last);
    assert_eq!(status.result.as_deref(), Some("last"));
    assert_eq!(status.usage.unwrap().input_tokens, 10);
    assert_eq!(reason(&status), Some(OutcomeReason::Completed));
}

#[test]
fn an_error_is_named_by_its_code() {
    let status = run(vec![], error(Some("ProviderLimit"), "come back at nine"));
    assert_eq!((status.phase, reason(&status)), (RunPhase::Failed, Some(OutcomeReason::ProviderLimit)));
    assert_eq!(status.outcome.unwrap().message.as_deref(), Some("come back at nine"));
}

#[test]
fn an_error_without_a_code_that_is_known_is_the_agents() {
    for code in [None, Some("E42"), Some("Completed")] {
        assert_eq!(reason(&run(vec![], error(code, "x"))), Some(OutcomeReason::AgentError));
    }
}

#[test]
fn a_runner_that_dies_after_its_report_has_not_succeeded() {
    let status = run(vec![report(&completed())], error(Some("RunnerLost"), "the runner died"));
    assert_eq!((status.phase, reason(&status)), (RunPhase::Failed, Some(OutcomeReason::RunnerLost)));
    assert_eq!(status.outcome.unwrap().message.as_deref(), Some("the runner died"));
}

#[test]
fn a_report_of_failure_counts_even_when_the_stream_ends_well() {
    let told = OutcomeReport { reason: Some(OutcomeReason::MaxTurns), ..OutcomeReport::default() };
    let status = run(vec![report(&told)], finished(None));
    assert_eq!((status.phase, reason(&status)), (RunPhase::Failed, Some(OutcomeReason::MaxTurns)));
}

#[test]
fn a_cancelled_run_is_cancelled_for_the_reason_that_the_runner_tells() {
    let status = run(vec![], finished(Some(RunOutcome::Cancelled)));
    assert_eq!((status.phase, reason(&status)), (RunPhase::Cancelled, Some(OutcomeReason::Cancelled)));
    let told = OutcomeReport { reason: Some(OutcomeReason::SessionStopped), ..OutcomeReport::default() };
    let status = run(vec![report(&told)], finished(Some(RunOutcome::Cancelled)));
    assert_eq!((status.phase, reason(&status)), (RunPhase::Cancelled, Some(OutcomeReason::SessionStopped)));
}

fn question(id: &str, text: &str) -> Interrupt {
    let schema = json!({"type": "string"}).as_object().cloned();
    Interrupt {
        id: id.into(),
        reason: "input_required".into(),
        message: Some(text.into()),
        tool_call_id: None,
        response_schema: schema,
        expires_at: None,
        metadata: None,
        subagent_run_id: None,
    }
}

#[test]
fn a_run_that_asks_waits_for_input_and_shows_its_questions() {
    let asks = RunOutcome::Interrupt { interrupts: vec![question("q1", "Which database?")] };
    let status = run(says("I need to know something."), finished(Some(asks)));
    assert_eq!((status.phase, reason(&status)), (RunPhase::WaitingForInput, None));
    assert_eq!(status.interrupts[0].id, "q1");
    assert_eq!(status.interrupts[0].message.as_deref(), Some("Which database?"));
    assert_eq!(status.interrupts[0].response_schema, Some(json!({"type": "string"})));
    assert!(status.completion_time.is_none());
}

#[test]
fn the_first_event_is_the_agents_and_not_the_platforms() {
    let setup = events::text_start("s", Some(ambient::agui::TextRole::Developer));
    let status = fold(&[started(), setup, content("s", "cloning"), end("s"), start("m")]);
    let first = status.first_event_time.unwrap().0.as_millisecond();
    assert_eq!(first, 5000);
}

#[test]
fn recent_lines_tell_texts_calls_and_results() {
    let status = run(
        vec![call("c", "Bash"), args("c", "{\"command\":"), args("c", "\"ls\"}"), call_end("c"), result("c", "a\nb")],
        error(Some("AgentError"), "no"),
    );
    let lines = status.events.unwrap().recent;
    let expected =
        ["00:00:01 run started", "00:00:05 Bash {\"command\":\"ls\"}", "00:00:06 Bash → a b", "00:00:07 AgentError no"];
    assert_eq!(lines, expected);
}

#[test]
fn a_line_cannot_move_a_terminals_cursor() {
    let status = run(says("one\u{1b}[2Jtwo\r\nthree"), finished(None));
    let lines = status.events.unwrap().recent;
    assert!(lines.iter().all(|line| !line.contains(char::is_control)), "{lines:?}");
}

#[test]
fn an_event_that_was_taken_already_changes_nothing() {
    let all = [vec![started()], says("hello"), vec![finished(None)]].concat();
    let mut twice = Fold::new();
    for end in 1..=all.len() {
        for (position, event) in (1..).zip(&all[..end]) {
            twice.apply(position, i64::try_from(position).unwrap() * 1000, event);
        }
    }
    assert_eq!(twice.status(), fold(&all));
}

#[test]
fn what_comes_behind_the_end_is_not_part_of_the_run() {
    let all = [started(), finished(None), error(Some("RunnerLost"), "late")];
    assert_eq!(fold(&all), fold(&all[..2]));
}

#[test]
fn a_long_result_is_cut_at_a_character_with_a_mark() {
    let status = run(says(&"ä".repeat(10_000)), finished(None));
    let result = status.result.unwrap();
    assert!(result.len() <= MAX_RESULT_BYTES && result.len() > MAX_RESULT_BYTES - 16);
    assert!(result.ends_with("ä… [cut]"));
}

#[test]
fn a_structured_answer_too_large_for_a_status_is_said_to_be_in_the_events() {
    let told = OutcomeReport { structured_output: Some(json!("x".repeat(5000))), ..completed() };
    let status = run(vec![report(&told)], finished(None));
    assert_eq!(status.structured_output, None);
    assert!(status.outcome.unwrap().message.unwrap().contains("in the run's events"));
}
