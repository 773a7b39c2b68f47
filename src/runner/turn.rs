//! One run, from its first event to its last.

use std::{sync::Arc, time::Duration};

use serde_json::{Map, Value, json};
use tokio::sync::{broadcast, mpsc};

use super::{
    engine::{Engine, Progress},
    outcome::{Terminal, Verdict, judge},
    pipeline::Pipeline,
    plan::Plan,
    probe::Left,
    sent,
    session::RunRequest,
    stop::{Stop, StopReason},
    thread::{Queued, Start, Thread},
};
use crate::{
    agui::{Event, EventKind, Id, TextRole, Usage},
    api::outcome,
    bridge::{Ending, SessionSpec, Turn, TurnEnd, TurnInput},
    eventlog::LogError,
    security::credentials_from_env,
};

/// How many events may wait between the agent and the log; more, and the agent waits.
const WAITING_EVENTS: usize = 1024;
/// The most events of one write: enough to make the cost of a write small, few enough to be seen at once.
const BATCH: usize = 256;
/// How long an agent may take to obey before its turn is ended without it.
const OBEY: Duration = Duration::from_secs(10);
/// The name of the step around setting up.
const SETUP: &str = "setup";

/// Runs one accepted run to its end. It always ends: whatever happens, one terminal event is written, or the log is broken.
pub(crate) async fn run(engine: &Engine, thread: &Thread, queued: Queued, plan: Plan) {
    let Queued { request, start, stop } = queued;
    let after = thread.log.last_seq();
    // Before anything of the run is written or started.
    engine.redactor().add(credentials_from_env(&request.options.environment.0));
    let mut turn = Running::new(engine, thread, &request, &stop);
    let opened = turn.open().await;
    start.send_replace(Start::Started(after));
    let end = match opened {
        Ok(()) => turn.drive(plan).await,
        Err(error) => broken_log(&error, &stop),
    };
    if let Err(error) = turn.close(end).await {
        tracing::error!(thread = %thread.id, run = %request.input.run_id, %error, "the run's end could not be written");
    }
}

struct Running<'a> {
    engine: &'a Engine,
    request: &'a RunRequest,
    thread: &'a Thread,
    stop: &'a Arc<Stop>,
    pipeline: Pipeline,
    limit: Duration,
    /// What goes on beside the turn.
    progress: broadcast::Receiver<Progress>,
}

impl<'a> Running<'a> {
    fn new(engine: &'a Engine, thread: &'a Thread, request: &'a RunRequest, stop: &'a Arc<Stop>) -> Self {
        let run_id = request.input.run_id.clone();
        let pipeline = Pipeline::new(thread.log.clone(), &thread.id, run_id, engine.redactor());
        let limit = request.options.timeout_seconds.map_or(engine.settings().run_timeout, Duration::from_secs);
        Self { engine, request, thread, stop, pipeline, limit, progress: engine.progress() }
    }

    /// Says that the run has started, with its input, and makes that durable before the agent hears of it.
    async fn open(&mut self) -> Result<(), LogError> {
        let now = now_ms();
        let input = &self.request.input;
        let started = EventKind::RunStarted {
            thread_id: input.thread_id.clone(),
            run_id: input.run_id.clone(),
            protocol_version: Some("1.0".to_owned()),
            parent_run_id: input.parent_run_id.clone(),
            input: Some(Box::new(input.clone())),
        };
        self.pipeline.push(Event { metadata: self.request.options.metadata.clone(), ..started.into() }, now);
        self.pipeline.emit(EventKind::StepStarted { step_name: SETUP.to_owned() }, now);
        let left_out = self.request.options.environment.left_out(&self.engine.live().session.0.env);
        for (number, note) in self.engine.take_notes().into_iter().chain(left_out).enumerate() {
            self.developer_message(number, note, now);
        }
        for told in self.engine.take_told(&self.thread.id) {
            self.pipeline.emit(EventKind::Custom { name: told.name.to_owned(), value: told.value }, now);
        }
        self.pipeline.emit(EventKind::StateSnapshot { snapshot: self.state() }, now);
        self.pipeline.emit(EventKind::StepFinished { step_name: SETUP.to_owned() }, now);
        self.pipeline.flush_synced(now).await
    }

    fn developer_message(&mut self, number: usize, text: String, now: i64) {
        let message_id = Id::from(format!("{}-setup-{number}", self.request.input.run_id));
        let start =
            EventKind::TextMessageStart { message_id: message_id.clone(), role: Some(TextRole::Developer), name: None };
        self.pipeline.emit(start, now);
        self.pipeline.emit(EventKind::TextMessageContent { message_id: message_id.clone(), delta: text }, now);
        self.pipeline.emit(EventKind::TextMessageEnd { message_id }, now);
    }

    /// The client's state, with what the platform knows under `ambient`.
    fn state(&self) -> Value {
        let mut state = match &self.request.input.state {
            Some(Value::Object(members)) => members.clone(),
            Some(_) | None => Map::new(),
        };
        state.insert("ambient".to_owned(), json!({ "workspace": self.engine.live().workspace_state }));
        Value::Object(state)
    }

    /// Lets the agent take its turn, and moves its events into the log until it ends.
    async fn drive(&mut self, plan: Plan) -> TurnEnd {
        let input = match plan {
            Plan::Turn(_) | Plan::Nothing if self.request.options.follow_up => TurnInput::FollowUp,
            Plan::Turn(input) => sent::along(input, &self.request.input),
            Plan::Nothing => return TurnEnd::untaken(Ending::Completed),
        };
        let (sink, mut events) = mpsc::channel(WAITING_EVENTS);
        let session = self.engine.spec(self.request, &sink);
        let _going = self.engine.settings().callers.begin(self.request, session.user.clone());
        let turn = self.turn(session, input);
        let bridge = self.engine.bridge();
        let mut ending = std::pin::pin!(bridge.turn(turn, sink));
        let stop = Arc::clone(self.stop);
        let mut disobeyed = std::pin::pin!(disobeyed(&stop));
        let mut deadline = std::pin::pin!(tokio::time::sleep(self.limit));
        let mut batch = Vec::with_capacity(BATCH);
        let mut closed = false;
        loop {
            tokio::select! {
                biased;
                count = events.recv_many(&mut batch, BATCH), if !closed => {
                    closed = count == 0;
                    self.take(&mut batch);
                }
                end = &mut ending => {
                    self.drain(&mut events, &mut batch).await;
                    return end;
                }
                // Everything that is there goes out with one write, at the end of the turn with its last events.
                () = std::future::ready(()), if self.pipeline.filled() > 0 => self.flush(),
                Ok(progress) = self.progress.recv() => self.tell(progress),
                () = &mut deadline, if stop.reason().is_none() => stop.because(StopReason::Deadline),
                () = &mut disobeyed => {
                    tracing::error!(run = %self.request.input.run_id, "the agent did not stop; its turn is ended without it");
                    return TurnEnd::untaken(Ending::Interrupted);
                }
            }
        }
    }

    fn turn(&self, session: SessionSpec, input: TurnInput) -> Turn {
        Turn { run_id: self.request.input.run_id.clone(), session, input, interrupt: self.stop.token().clone() }
    }

    fn take(&mut self, batch: &mut Vec<Event>) {
        if batch.is_empty() {
            return;
        }
        let now = now_ms();
        for event in batch.drain(..) {
            self.pipeline.push(event, now);
        }
        if self.pipeline.filled() >= BATCH {
            self.flush();
        }
    }

    fn flush(&mut self) {
        if let Err(error) = self.pipeline.flush(now_ms()) {
            tracing::error!(run = %self.request.input.run_id, %error, "events could not be written; the turn is stopped");
            self.stop.because(StopReason::LogFailed);
        }
    }

    fn tell(&mut self, (name, value): Progress) {
        self.take(&mut vec![EventKind::Custom { name: name.to_owned(), value }.into()]);
    }

    async fn drain(&mut self, events: &mut mpsc::Receiver<Event>, batch: &mut Vec<Event>) {
        // The bridge has ended and dropped its sender, so this ends with the last event.
        while events.recv_many(batch, BATCH).await > 0 {
            self.take(batch);
        }
    }

    /// Closes what is open, says the outcome, and ends the run. Its end is on disk soon, and before the thread's next agent
    /// hears anything: the next run's sync is also this one's. Who tells of the end elsewhere waits for the log's sync first.
    async fn close(mut self, end: TurnEnd) -> Result<(), LogError> {
        let left = self.look_around().await;
        let usage = end.usage.clone();
        let verdict = judge(end, self.stop.reason(), self.limit.as_secs(), left);
        while let Ok(progress) = self.progress.try_recv() {
            self.tell(progress);
        }
        let now = now_ms();
        self.pipeline.close_open_items(now);
        let waiting = self.pipeline.filled();
        self.say_outcome(&verdict, now);
        self.pipeline.emit(self.terminal(&verdict, usage), now);
        self.thread.is_ending(verdict.open);
        self.pipeline.flush_last(waiting, now).map(drop)
    }

    /// Looks at the workspace. What the agent has said last goes out before, unless there is nothing to wait for.
    async fn look_around(&mut self) -> Left {
        let mut left = self.engine.settings().probe.after_turn();
        tokio::select! {
            biased;
            left = &mut left => return left,
            () = std::future::ready(()) => self.flush(),
        }
        left.await
    }

    fn say_outcome(&mut self, verdict: &Verdict, now: i64) {
        // A report is plain data, which always has a JSON form.
        let value = serde_json::to_value(&verdict.report).unwrap_or(Value::Null);
        let delta = vec![json!({"op": "add", "path": "/ambient/outcome", "value": value})];
        self.pipeline.emit(EventKind::StateDelta { delta }, now);
        self.pipeline.emit(EventKind::Custom { name: outcome::EVENT_NAME.to_owned(), value }, now);
    }

    fn terminal(&self, verdict: &Verdict, usage: Vec<Usage>) -> EventKind {
        match &verdict.terminal {
            Terminal::Finished(outcome) => EventKind::RunFinished {
                thread_id: self.thread.id.clone(),
                run_id: self.request.input.run_id.clone(),
                result: verdict.report.result.clone().map(Value::String),
                outcome: Some(outcome.clone()),
                usage,
            },
            Terminal::Error => EventKind::RunError {
                message: verdict.report.message.clone().unwrap_or_default(),
                code: verdict.report.reason.map(|reason| reason.to_string()),
                usage,
            },
        }
    }
}

/// Resolves when a turn was told to stop and has not ended [`OBEY`] later. Bridges promise to be quicker.
async fn disobeyed(stop: &Stop) {
    stop.token().cancelled().await;
    tokio::time::sleep(OBEY).await;
}

fn broken_log(error: &LogError, stop: &Stop) -> TurnEnd {
    tracing::error!(%error, "the run could not be started");
    stop.because(StopReason::LogFailed);
    TurnEnd::untaken(Ending::Interrupted)
}

/// Milliseconds since the Unix epoch.
pub(crate) fn now_ms() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}
