//! Whatever the events are: a status stays under 16 KiB, and a fold does not grow with the number of events.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/events.rs"]
mod events;

use ambient::{
    agui::{Event, EventKind, Id, Interrupt, RunOutcome, TextRole},
    api::{
        conditions,
        limits::json_len,
        outcome::{EVENT_NAME, OutcomeReason},
        run::{RunPhase, RunStatus},
    },
    fold::{Fold, MAX_RESULT_BYTES, MAX_STATUS_BYTES},
};
use events::{args, call, call_end, content, end, error, finished, result, start, text_start};
use proptest::prelude::*;
use serde_json::{Value, json};

/// Short and long texts of letters, of characters that JSON escapes, and of any others.
fn text() -> BoxedStrategy<String> {
    let piece = prop_oneof![Just("\u{1}".to_owned()), Just("\"".to_owned()), "\\PC{0,8}", "[a-z ]{0,8}"];
    (piece, prop_oneof![Just(1_usize), Just(20), Just(1500)]).prop_map(|(piece, times)| piece.repeat(times)).boxed()
}

fn id() -> BoxedStrategy<String> {
    prop_oneof![4 => "[abc]", 1 => text()].boxed()
}

fn value() -> BoxedStrategy<Value> {
    let leaf = prop_oneof![Just(Value::Null), any::<i64>().prop_map(Value::from), text().prop_map(Value::from)];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::hash_map("[a-z]{1,8}", inner, 0..4).prop_map(|map| json!(map)),
        ]
    })
    .boxed()
}

fn report() -> BoxedStrategy<Event> {
    let reason = prop::option::of(prop::sample::select(OutcomeReason::ALL.as_slice()));
    let git = prop::collection::vec(text().prop_map(|name| json!({"name": name, "branch": name})), 0..40);
    let texts = (text(), text(), text());
    let files = prop::option::of(prop::collection::vec(text(), 0..6));
    (reason, texts, value(), (git, files), any::<u64>(), any::<f64>())
        .prop_map(|(reason, (message, result, session), structured, (git, files), tokens, cost)| {
            let files =
                files.map(|names| json!({"count": u32::MAX, "added": names, "modified": names, "deleted": names}));
            let value = json!({
                "reason": reason, "message": message, "result": result, "structuredOutput": structured,
                "usage": {"inputTokens": tokens}, "turns": 3, "costUsd": cost, "git": git, "files": files,
                "agentSessionId": session,
            });
            EventKind::Custom { name: EVENT_NAME.into(), value }.into()
        })
        .boxed()
}

fn interrupt() -> BoxedStrategy<Interrupt> {
    (id(), text(), text(), prop::option::of(value()))
        .prop_map(|(id, reason, message, schema)| Interrupt {
            id: id.into(),
            reason,
            message: Some(message.clone()),
            tool_call_id: Some(message.as_str().into()),
            response_schema: schema.and_then(|schema| schema.as_object().cloned()),
            expires_at: Some(message),
            metadata: None,
            subagent_run_id: None,
        })
        .boxed()
}

fn terminal() -> BoxedStrategy<Event> {
    let asks = prop::collection::vec(interrupt(), 1..12)
        .prop_map(|interrupts| finished(Some(RunOutcome::Interrupt { interrupts })));
    prop_oneof![
        Just(finished(None)),
        Just(finished(Some(RunOutcome::Cancelled))),
        asks,
        (prop::option::of(text()), text()).prop_map(|(code, message)| error(code.as_deref(), &message)),
    ]
    .boxed()
}

fn started() -> BoxedStrategy<Event> {
    (id(), id())
        .prop_map(|(thread, run)| {
            let (thread_id, run_id) = (Id::from(thread), Id::from(run));
            EventKind::RunStarted { thread_id, run_id, protocol_version: None, parent_run_id: None, input: None }.into()
        })
        .boxed()
}

fn other() -> BoxedStrategy<Event> {
    prop_oneof![
        id().prop_map(|id| start(&id)),
        id().prop_map(|id| text_start(&id, Some(TextRole::Developer))),
        (id(), text()).prop_map(|(id, text)| content(&id, &text)),
        id().prop_map(|id| end(&id)),
        (id(), text()).prop_map(|(id, name)| call(&id, &name)),
        (id(), text()).prop_map(|(id, text)| args(&id, &text)),
        id().prop_map(|id| call_end(&id)),
        (id(), text()).prop_map(|(id, text)| result(&id, &text)),
        text().prop_map(sub_agent),
        (text(), value()).prop_map(|(name, value)| EventKind::Custom { name, value }.into()),
    ]
    .boxed()
}

fn sub_agent(name: String) -> Event {
    EventKind::SubagentStarted {
        name,
        description: None,
        parent_subagent_run_id: None,
        parent_tool_call_id: None,
        parent_message_id: None,
    }
    .into()
}

fn stream() -> BoxedStrategy<Vec<Event>> {
    let middle = prop::collection::vec(prop_oneof![8 => other(), 1 => report()], 0..24);
    (started(), middle, report(), prop::option::of(terminal()))
        .prop_map(|(first, mut all, report, last)| {
            all.insert(0, first);
            all.push(report);
            all.extend(last);
            all
        })
        .boxed()
}

fn fold(events: &[Event]) -> Fold {
    let mut fold = Fold::new();
    for (seq, event) in (1..).zip(events) {
        fold.apply(seq, 1_700_000_000_000 + i64::try_from(seq).unwrap(), event);
    }
    fold
}

fn with_conditions(mut status: RunStatus) -> RunStatus {
    let now = "2026-11-22T10:00:00Z".parse().unwrap();
    conditions::update_run(&mut status, Some(1), now);
    status
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_status_stays_under_16_kib_with_its_conditions(events in stream()) {
        let status = with_conditions(fold(&events).status());
        let size = json_len(&status).unwrap();
        prop_assert!(size < MAX_STATUS_BYTES, "{size} bytes");
        prop_assert!(status.result.is_none_or(|result| result.len() <= MAX_RESULT_BYTES));
        prop_assert!(status.events.unwrap().recent.len() <= 20);
    }

    #[test]
    fn a_run_has_an_outcome_exactly_when_its_phase_is_terminal(events in stream()) {
        let status = fold(&events).status();
        prop_assert_eq!(status.phase.is_terminal(), status.outcome.is_some());
        prop_assert_eq!(status.phase.is_terminal(), status.completion_time.is_some());
        prop_assert_eq!(status.phase == RunPhase::Running, !ends(&events));
    }

    #[test]
    fn a_status_can_be_read_back(events in stream()) {
        let status = with_conditions(fold(&events).status());
        let text = serde_json::to_string(&status).unwrap();
        let read: RunStatus = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(serde_json::to_string(&read).unwrap(), text);
    }

    #[test]
    fn a_fold_that_begins_again_anywhere_comes_to_the_same_status(events in stream(), from in 0_usize..40) {
        let whole = fold(&events);
        let mut again = whole.clone();
        for (seq, event) in (1..).zip(&events).skip(from) {
            again.apply(seq, 5, event);
        }
        prop_assert_eq!(again.status(), whole.status());
    }
}

fn ends(events: &[Event]) -> bool {
    events.iter().any(|event| matches!(event.kind, EventKind::RunFinished { .. } | EventKind::RunError { .. }))
}

#[test]
fn a_fold_does_not_grow_with_the_events_it_has_seen() {
    let mut fold = Fold::new();
    for seq in 1..50_000 {
        let id = format!("m{}", seq / 10);
        let event = if seq % 10 == 0 { start(&id) } else { content(&id, "some text of the agent ") };
        fold.apply(seq, 0, &event);
    }
    let size = format!("{fold:?}").len();
    assert!(size < 32 * 1024, "{size} bytes");
}
