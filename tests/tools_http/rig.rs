//! An engine whose bridge lets the test be the agent.

use std::{path::Path, sync::Arc, time::Duration};

use ambient::{
    agui::{Event, EventKind, Id, RunAgentInput},
    bridge::{
        Bridge, BridgeError, Ending, EventSink, Features, SessionSpec, ToolsEndpoint, Turn, TurnEnd, tools::ToolServer,
    },
    eventlog::{Options, Store},
    host::BoxFuture,
    runner::{
        Engine, Live, RunRequest, SessionTemplate, Settings, Ticket,
        feedback::NoSink,
        mcp::tools::{Corrections, Rubric, RubricSlot, RubricTools, SessionTools},
        probe::NoRepositories,
    },
    security::Redactor,
};
use serde_json::{Value, json};
use tokio::sync::{mpsc, oneshot};

use crate::turns;

/// No wait is longer, on a machine that does much else.
pub(crate) const SOON: Duration = Duration::from_mins(1);

/// A turn that is going; it ends when this is dropped.
pub(crate) struct Going {
    pub(crate) endpoint: ToolsEndpoint,
    pub(crate) thread: Id,
    _end: oneshot::Sender<()>,
}

/// Gives each turn to the test.
struct Handed(mpsc::UnboundedSender<Going>);

impl Bridge for Handed {
    fn name(&self) -> &'static str {
        "handed"
    }

    fn features(&self) -> Features {
        Features::default()
    }

    fn takes_tools_over_http(&self) -> bool {
        true
    }

    fn warm(&self, _: SessionSpec) -> BoxFuture<'_, Result<(), BridgeError>> {
        Box::pin(std::future::ready(Ok(())))
    }

    fn turn(&self, turn: Turn, events: EventSink) -> BoxFuture<'_, TurnEnd> {
        Box::pin(async move {
            let (end, ended) = oneshot::channel();
            let SessionSpec { tools_endpoint, thread_id, .. } = turn.session;
            self.0.send(Going { endpoint: tools_endpoint.unwrap(), thread: thread_id, _end: end }).unwrap();
            ended.await.unwrap_err();
            drop(events);
            turns::ended(Ending::Completed)
        })
    }

    fn follow_ups(&self, _: mpsc::Sender<Id>) {}

    fn shutdown(&self) -> BoxFuture<'_, ()> {
        Box::pin(std::future::ready(()))
    }
}

/// A runner without its server.
pub(crate) struct Rig {
    pub(crate) engine: Arc<Engine>,
    turns: mpsc::UnboundedReceiver<Going>,
    _dir: tempfile::TempDir,
}

impl Rig {
    /// With `corrections`, `rubric` and `session`, and more.
    pub(crate) async fn with(more: Vec<Arc<dyn ToolServer>>) -> Self {
        let dir = tempfile::TempDir::new().unwrap();
        let (hand, turns) = mpsc::unbounded_channel();
        let (slot, sink) = (RubricSlot::default(), Arc::new(NoSink));
        slot.set(Some(Rubric { instructions: "Be strict.".to_owned(), schema: None }));
        let mut tools: Vec<Arc<dyn ToolServer>> = vec![
            Arc::new(SessionTools::default()),
            Arc::new(Corrections::new(sink.clone())),
            Arc::new(RubricTools::new(slot, sink)),
        ];
        tools.extend(more);
        let session = SessionTemplate(turns::session(Path::new("/")));
        let settings = Settings {
            live: Live { session, workspace_state: json!({}) },
            queue_limit: 4,
            turn_limit: 16,
            thread_limit: 100,
            run_timeout: SOON,
            notes: Vec::new(),
            tools,
            probe: Arc::new(NoRepositories),
            callers: Arc::default(),
        };
        let store = Store::open(dir.path(), Options::default()).unwrap();
        let redactor = Arc::new(Redactor::new([]));
        let engine = Engine::open(store, Arc::new(Handed(hand)), redactor, settings).await.unwrap();
        Self { engine, turns, _dir: dir }
    }

    pub(crate) async fn new() -> Self {
        Self::with(Vec::new()).await
    }

    /// Begins a run; the turn it takes is the test's to end.
    pub(crate) async fn begin(&mut self, thread: &str, run: &str) -> (Ticket, Going) {
        let message = json!({ "id": format!("{run}-m"), "role": "user", "content": "go" });
        let input = json!({ "threadId": thread, "runId": run, "messages": [message] });
        let input: RunAgentInput = serde_json::from_value(input).unwrap();
        let ticket = self.engine.submit(RunRequest::plain(input)).await.unwrap();
        let going = tokio::time::timeout(SOON, self.turns.recv()).await.unwrap().unwrap();
        assert_eq!(going.thread, Id::from(thread));
        (ticket, going)
    }
}

/// Ends the turn; the run's events.
pub(crate) async fn end(ticket: Ticket, going: Going) -> Vec<Event> {
    drop(going);
    let run = ticket.run_id.clone();
    let mut events = Vec::new();
    let mut reader = ticket.log.reader(0);
    loop {
        let chunk = tokio::time::timeout(SOON, reader.next()).await.unwrap().unwrap();
        for record in chunk.records().filter(|record| *record.run_id() == run) {
            events.push(record.event().unwrap());
            if record.is_terminal() {
                return events;
            }
        }
    }
}

/// The values of the custom events of a name.
pub(crate) fn customs(events: &[Event], wanted: &str) -> Vec<Value> {
    let value = |event: &Event| match &event.kind {
        EventKind::Custom { name, value } if name == wanted => Some(value.clone()),
        _ => None,
    };
    events.iter().filter_map(value).collect()
}
