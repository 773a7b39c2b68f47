//! Plays a recording of the CLI: for demos without a provider, and to reproduce a bug.
//!
//! A recording is a file of JSON lines, `{"at_ms": <since the start>, "line": <what the CLI wrote>}`, as the Claude bridge
//! writes it when it is told to record. Every thread plays it from the start; each turn plays on to the next result,
//! whatever it is told.

mod recording;

use std::{
    collections::HashMap,
    io,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{sync::mpsc, time::Instant};

use super::{
    Bridge, BridgeError, Ending, EventSink, FailureKind, Features, SessionSpec, Turn, TurnEnd,
    claude::{
        policy::{self, Hook},
        session::{Session, Step},
    },
};
use crate::{
    agui::{Event, Id},
    host::BoxFuture,
};
use recording::Recording;

/// How fast a recording is played.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// As it was recorded; what passed between two turns is left out.
    Recorded,
    /// As fast as possible.
    Unthrottled,
}

/// Plays one recording on every thread.
pub struct ReplayBridge {
    recording: Arc<Recording>,
    pace: Pace,
    threads: Mutex<HashMap<Id, Arc<tokio::sync::Mutex<Player>>>>,
}

/// Where a thread is in the recording.
struct Player {
    session: Session,
    next: usize,
}

impl ReplayBridge {
    /// Reads a recording. The error names the file and the line that is not one of a recording.
    pub fn open(path: &Path, pace: Pace) -> io::Result<Self> {
        let named =
            |error: io::Error| io::Error::new(error.kind(), format!("the recording {}: {error}", path.display()));
        let text = std::fs::read(path).map_err(named)?;
        let recording =
            Recording::parse(text).map_err(|reason| named(io::Error::new(io::ErrorKind::InvalidData, reason)))?;
        Ok(Self { recording: Arc::new(recording), pace, threads: Mutex::default() })
    }

    fn player(&self, thread: &Id) -> Arc<tokio::sync::Mutex<Player>> {
        let mut threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
        let new = || Arc::new(tokio::sync::Mutex::new(Player { session: Session::new(None), next: 0 }));
        Arc::clone(threads.entry(thread.clone()).or_insert_with(new))
    }
}

impl Bridge for ReplayBridge {
    fn name(&self) -> &'static str {
        "replay"
    }

    fn features(&self) -> Features {
        Features { reasoning: true, interrupts: true, frontend_tools: true, ..Features::default() }
    }

    fn warm(&self, _: SessionSpec) -> BoxFuture<'_, Result<(), BridgeError>> {
        Box::pin(async { Ok(()) })
    }

    fn turn(&self, turn: Turn, events: EventSink) -> BoxFuture<'_, TurnEnd> {
        let player = self.player(&turn.session.thread_id);
        Box::pin(async move {
            let mut player = player.lock().await;
            let recording = Arc::clone(&self.recording);
            player.play(&recording, self.pace, &turn, &events).await
        })
    }

    /// A recording begins no turn by itself.
    fn follow_ups(&self, _: mpsc::Sender<Id>) {}

    fn shutdown(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {})
    }
}

impl Player {
    async fn play(&mut self, recording: &Recording, pace: Pace, turn: &Turn, events: &EventSink) -> TurnEnd {
        self.session.begin(None);
        let mut out = Vec::new();
        let interrupted = tokio::select! {
            over = self.play_on(recording, pace, &mut out, events) => (!over).then(at_the_end),
            () = turn.interrupt.cancelled() => Some(Ending::Interrupted),
        };
        let end = match interrupted {
            None => self.session.finish(None, &mut out),
            Some(ending) => self.session.cut(ending, &mut out),
        };
        send(&mut out, events).await;
        end
    }

    /// Plays to the end of the turn; false when the recording ends before it.
    async fn play_on(&mut self, recording: &Recording, pace: Pace, out: &mut Vec<Event>, events: &EventSink) -> bool {
        let started = Instant::now();
        let from = recording.at(self.next);
        while let Some((at, line)) = recording.line(self.next) {
            if pace == Pace::Recorded {
                tokio::time::sleep_until(started + at.saturating_sub(from.unwrap_or(Duration::ZERO))).await;
            }
            self.next += 1;
            let step = self.session.line(line, out);
            if let Step::Asked { request, .. } = &step {
                self.asked(request);
            }
            send(out, events).await;
            if step == Step::Over {
                return true;
            }
        }
        false
    }

    /// The calls that waited for an answer when it was recorded, wait again.
    fn asked(&mut self, request: &serde_json::Value) {
        if request["subtype"] == "hook_callback"
            && let Hook::Defer(call) = policy::hook(request)
        {
            self.session.defer(call);
        }
    }
}

async fn send(out: &mut Vec<Event>, events: &EventSink) {
    for event in out.drain(..) {
        // A reader that has gone misses nothing but a recording.
        events.send(event).await.ok();
    }
}

fn at_the_end() -> Ending {
    let message = "the recording has no further turn; start a new thread to play it again".to_owned();
    Ending::Failed { kind: FailureKind::AgentError, message }
}
