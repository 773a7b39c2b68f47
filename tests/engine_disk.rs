//! When the engine writes what it has, also on a disk that fills up or loses what was not synced.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    dead_code,
    reason = "a rig that does not work fails its test; the log's doubles serve other tests too"
)]

mod eventlog_support;
#[path = "support/turns.rs"]
mod turns;

use std::{sync::Arc, time::Duration};

use ambient::{
    agui::{Event, EventKind, Id, RunAgentInput},
    bridge::{Ending, EventSink, Turn, TurnEnd, TurnInput},
    eventlog::{Options, Store},
    host::BoxFuture,
    runner::{
        Engine, RunRequest, Start, Ticket,
        probe::{Left, WorkspaceProbe},
    },
};
use eventlog_support::{simulated::Simulated, tiny};
use serde_json::json;
use tokio::sync::Notify;
use turns::{Acted, ended};

/// An agent that writes as much as its prompt says, and waits to be stopped after it when the prompt ends with `wait`.
fn writer(turn: Turn, events: EventSink) -> BoxFuture<'static, TurnEnd> {
    Box::pin(async move {
        let TurnInput::Prompt(parts) = &turn.input else { panic!("a prompt") };
        let prompt = parts[0].text().unwrap().to_owned();
        ended(tokio::select! {
            () = write(&prompt, &events) => Ending::Completed,
            () = turn.interrupt.cancelled() => Ending::Interrupted,
        })
    })
}

async fn write(prompt: &str, events: &EventSink) {
    let message_id = Id::from("m");
    let start = EventKind::TextMessageStart { message_id: message_id.clone(), role: None, name: None };
    let pieces: usize = prompt.split(' ').next().unwrap().parse().unwrap();
    let piece = || EventKind::TextMessageContent { message_id: message_id.clone(), delta: "x".repeat(1000) };
    for kind in std::iter::once(start).chain((0..pieces).map(|_| piece())) {
        if events.send(Event::from(kind)).await.is_err() {
            return;
        }
    }
    if prompt.ends_with("wait") {
        std::future::pending::<()>().await;
    }
}

async fn engine(storage: &Arc<Simulated>) -> Arc<Engine> {
    let options = Options { reserve_bytes: 16 * 1024, ..tiny(Arc::clone(storage) as Arc<_>) };
    let store = Store::open("/store", options).unwrap();
    turns::engine(store, Acted(writer)).await
}

async fn submit(engine: &Arc<Engine>, run: &str, prompt: &str) -> Ticket {
    let input: RunAgentInput = serde_json::from_value(json!({
        "threadId": "thread", "runId": run, "messages": [{"id": run, "role": "user", "content": prompt}],
    }))
    .unwrap();
    engine.submit(RunRequest::plain(input)).await.unwrap()
}

/// Every event of a run, to its end.
async fn events(ticket: &Ticket) -> Vec<Event> {
    let Start::Started(after) = *ticket.start.borrow() else { panic!("it has started") };
    let mut reader = ticket.log.reader(after);
    let mut all = Vec::new();
    loop {
        let chunk = tokio::time::timeout(Duration::from_mins(1), reader.next()).await.unwrap().unwrap();
        for record in chunk.records() {
            all.push(record.event().unwrap());
            if record.is_terminal() {
                return all;
            }
        }
    }
}

fn code(events: &[Event]) -> Option<String> {
    match &events.last().unwrap().kind {
        EventKind::RunError { code, .. } => code.clone(),
        _ => None,
    }
}

#[tokio::test]
async fn a_full_disk_ends_the_run_with_its_reason_in_the_space_that_was_set_aside() {
    let storage = Arc::new(Simulated::new());
    let engine = engine(&storage).await;
    let before = submit(&engine, "r0", "1").await;
    assert_eq!(code(&events(&before).await), None);
    storage.set_capacity(Some(storage.used() + 20_000));
    let ticket = submit(&engine, "r1", "1000 wait").await;
    let all = events(&ticket).await;
    assert_eq!(code(&all).as_deref(), Some("RunnerLost"));
    let said = serde_json::to_string(all.last().unwrap()).unwrap();
    assert!(said.contains("Free space"), "{said}");
    storage.set_capacity(None);
    let after = submit(&engine, "r2", "2").await;
    assert_eq!(code(&events(&after).await), None, "with space again, the session goes on");
}

#[tokio::test]
async fn a_power_cut_loses_at_most_what_was_not_synced_and_never_a_start_or_an_end() {
    for seed in 0..20 {
        let storage = Arc::new(Simulated::new());
        let first = engine(&storage).await;
        let ended = submit(&first, "r1", "3").await;
        let whole = events(&ended).await;
        // The end was read, and synced before the next run starts.
        let open = submit(&first, "r2", "5 wait").await;
        let after = Arc::new(storage.power_cut(seed));
        let second = engine(&after).await;
        let again = submit(&second, "r1", "3").await;
        assert_eq!(events(&again).await, whole, "seed {seed}: what was synced is whole");
        let cut = submit(&second, "r2", "5 wait").await;
        let kept = events(&cut).await;
        assert!(matches!(kept[0].kind, EventKind::RunStarted { .. }), "seed {seed}: the input was synced");
        assert_eq!(code(&kept).as_deref(), Some("RunnerLost"), "seed {seed}");
        drop(open);
    }
}

#[tokio::test]
async fn the_end_of_a_run_is_written_although_its_last_words_do_not_fit_any_more() {
    let storage = Arc::new(Simulated::new());
    let engine = engine(&storage).await;
    let before = submit(&engine, "r0", "1").await;
    events(&before).await;
    storage.set_capacity(Some(storage.used() + 10_000));
    let all = events(&submit(&engine, "r1", "100").await).await;
    let texts = all.iter().filter(|event| matches!(event.kind, EventKind::TextMessageContent { .. })).count();
    assert!(texts < 100, "it did not fit");
    assert!(all.last().unwrap().kind.is_terminal());
}

/// Looks at the workspace until it is told that it has seen enough.
struct Slow(Arc<Notify>);

impl WorkspaceProbe for Slow {
    fn after_turn(&self) -> BoxFuture<'_, Left> {
        Box::pin(async {
            self.0.notified().await;
            Left::default()
        })
    }
}

#[tokio::test]
async fn the_last_words_do_not_wait_for_a_look_at_the_workspace() {
    let enough = Arc::new(Notify::new());
    let store = Store::open("/store", tiny(Arc::new(Simulated::new()))).unwrap();
    let engine = turns::engine_with(store, Acted(writer), Slow(Arc::clone(&enough))).await;
    let ticket = submit(&engine, "r1", "3").await;
    let mut reader = ticket.log.reader(0);
    let mut texts = 0;
    while texts < 3 {
        let chunk = tokio::time::timeout(Duration::from_mins(1), reader.next()).await.expect("they are there").unwrap();
        let events = chunk.records().map(|record| record.event().unwrap());
        texts += events.filter(|event| matches!(event.kind, EventKind::TextMessageContent { .. })).count();
    }
    enough.notify_one();
    assert_eq!(code(&events(&ticket).await), None);
}
