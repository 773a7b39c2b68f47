//! What readers are sent: a run, or a session's thread, from its past to its end.

use std::sync::Arc;

use axum::body::Bytes;
use kube::ResourceExt;

use super::{
    Gateway,
    out::{Next, Out, unnumbered},
    source::{Log, Records},
};
use crate::{
    agui::{Event, EventKind, Id, Thread, sse},
    api::{Run, RunStatus},
    eventlog::{Chunk, Format, Record, RecordRef, Seq},
};

/// What a reader asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum From {
    /// An AG-UI stream: what was before as snapshots, then event by event.
    Joining,
    /// The records themselves, after a number.
    After(Seq, Format),
}

/// The AG-UI id of a Run.
pub(super) fn run_id(run: &Run) -> String {
    run.spec.run_id.clone().or_else(|| run.uid()).unwrap_or_default()
}

/// Writes one run, to its terminal event. It waits for a Run that has not started, and ends with one that never will.
pub(super) async fn run(gateway: Arc<Gateway>, run: Arc<Run>, from: From, mut out: Out) {
    let log = loop {
        if let Some(log) = gateway.log_of(&run) {
            break log;
        }
        // It waits for its session; its status says so.
        match out.next(&mut nothing(), true).await {
            Next::Look => match never(&gateway, &run, from) {
                Some(end) => return out.send(end).await,
                None if gone(&gateway, &run) => return,
                None => {}
            },
            Next::Chunk(_) | Next::End => {}
        }
    };
    let mut reading = OfRun { id: run_id(&run), from, thread: Thread::new(), begun: false };
    let mut after = if let From::After(after, _) = from { after } else { 0 };
    let mut records = gateway.source.read(&log, after);
    loop {
        match out.next(&mut records, !reading.begun).await {
            Next::Chunk(chunk) => {
                after = chunk.last;
                let (bytes, last) = reading.take(&chunk);
                out.send(bytes).await;
                if last {
                    return;
                }
            }
            Next::Look | Next::End if reading.begun => return,
            look => {
                if let Some(end) = never(&gateway, &run, from) {
                    return out.send(end).await;
                }
                if gone(&gateway, &run) || ended(&gateway, &run, after) {
                    return;
                }
                if matches!(look, Next::End) {
                    // The pod is not there yet, or no more.
                    out.next(&mut nothing(), true).await;
                    records = gateway.source.read(&log, after);
                }
            }
        }
    }
}

fn nothing() -> Records {
    Box::pin(futures_util::stream::pending())
}

/// One run out of its thread.
struct OfRun {
    id: String,
    from: From,
    thread: Thread,
    begun: bool,
}

impl OfRun {
    /// What to send of some records, and whether the run's last one is among them.
    fn take(&mut self, chunk: &Chunk) -> (Vec<u8>, bool) {
        let mut out = Vec::new();
        let last = chunk.records().any(|record| self.write(record, &mut out));
        (out, last)
    }

    /// Appends what to send for a record; says whether it is the run's last one.
    fn write(&mut self, record: RecordRef<'_>, out: &mut Vec<u8>) -> bool {
        let ours = **record.run_id() == *self.id;
        let first = ours && !self.begun;
        self.begun |= ours;
        match self.from {
            From::After(_, format) if ours => record.write_frame(out, format),
            From::After(..) => {}
            From::Joining if first => {
                join(&mut self.thread, record, out);
                self.thread = Thread::new();
            }
            From::Joining if ours => record.write_frame(out, Format::Event),
            From::Joining if self.begun => {}
            From::Joining => apply(&mut self.thread, record),
        }
        ours && record.is_terminal()
    }
}

/// Takes a record over into what has been. One of a kind that is not known here says nothing about messages that are.
fn apply(thread: &mut Thread, record: RecordRef<'_>) {
    if let Ok(event) = record.event() {
        thread.apply(&event);
    }
}

/// Appends everything up to a record as snapshots.
fn join(thread: &mut Thread, record: RecordRef<'_>, out: &mut Vec<u8>) {
    apply(thread, record);
    sse::write_events(out, record.seq(), &thread.prelude());
}

fn newest(gateway: &Gateway, run: &Run) -> Option<Arc<Run>> {
    let namespace = run.metadata.namespace.as_deref().unwrap_or_default();
    gateway.runs.get(namespace, &run.name_any()).filter(|now| now.uid() == run.uid())
}

fn gone(gateway: &Gateway, run: &Run) -> bool {
    newest(gateway, run).is_none()
}

/// The words for a Run that ended without ever having started.
fn never(gateway: &Gateway, run: &Run, from: From) -> Option<Vec<u8>> {
    let run = newest(gateway, run)?;
    let status = run.status.as_ref().filter(|status| status.phase.is_terminal() && never_started(status))?;
    let outcome = status.outcome.as_ref();
    let message =
        outcome.and_then(|outcome| outcome.message.clone()).unwrap_or_else(|| "The Run never started.".into());
    let code = outcome.map(|outcome| outcome.reason.to_string());
    let event = Event::from(EventKind::RunError { message, code, usage: Vec::new() });
    let at = status.completion_time.as_ref().map_or(0, |time| time.0.as_millisecond());
    let record = Record { seq: 0, run_id: Id::from(run_id(&run)), at, event };
    Some(unnumbered(&record, if let From::After(_, format) = from { format } else { Format::Event }))
}

fn never_started(status: &RunStatus) -> bool {
    status.events.as_ref().is_none_or(|events| events.count == 0)
}

/// Whether everything of the Run has been read.
fn ended(gateway: &Gateway, run: &Run, after: Seq) -> bool {
    let run = newest(gateway, run);
    let status = run.as_ref().and_then(|run| run.status.as_ref()).filter(|status| is_over(status));
    status.and_then(|status| status.events.as_ref()).is_some_and(|events| events.last_id <= after)
}

/// Whether nothing of a Run follows.
pub(super) fn is_over(status: &RunStatus) -> bool {
    status.phase.is_terminal() || !status.interrupts.is_empty()
}

/// Writes a thread: joining, what has been and the run that goes, or the next one, to its end; from a number, everything
/// until the reader leaves, or until `last`.
pub(super) async fn thread(gateway: Arc<Gateway>, log: Log, from: From, last: Option<Seq>, mut out: Out) {
    let mut reading = OfThread { from, thread: Thread::new(), upto: upto(&gateway, &log), sent: false };
    let mut after = if let From::After(after, _) = from { after } else { 0 };
    let mut records = gateway.source.read(&log, after);
    loop {
        if last.is_some_and(|last| last <= after) {
            return;
        }
        match out.next(&mut records, true).await {
            Next::Chunk(chunk) => {
                let Some(chunk) = chunk.up_to(last.unwrap_or(Seq::MAX)) else {
                    return;
                };
                after = chunk.last;
                let (bytes, ends) = reading.take(&chunk);
                out.send(bytes).await;
                if ends {
                    return;
                }
            }
            Next::Look if is_there(&gateway, &log) => {}
            Next::End if is_there(&gateway, &log) => {
                out.next(&mut nothing(), true).await;
                records = gateway.source.read(&log, after);
            }
            Next::Look | Next::End => return,
        }
    }
}

fn is_there(gateway: &Gateway, log: &Log) -> bool {
    let session = gateway.sessions.get(&log.namespace, &log.session);
    session.is_some_and(|session| session.uid().as_deref() == Some(&log.uid))
}

/// The last record of all Runs of a thread that are over: what stands before it is history.
pub(super) fn upto(gateway: &Gateway, log: &Log) -> Seq {
    let own = |run: &Run| {
        run.spec.session_ref.name == log.session
            && run.metadata.namespace.as_deref() == Some(&log.namespace)
            && run.spec.thread_id.as_deref().unwrap_or(&log.session) == &*log.thread
    };
    let runs = gateway.runs.store.state_filter(own);
    let over = runs.iter().filter_map(|run| run.status.as_ref()).filter(|status| is_over(status));
    over.filter_map(|status| status.events.as_ref()).map(|events| events.last_id).max().unwrap_or(0)
}

/// A thread that is joined or followed.
struct OfThread {
    from: From,
    thread: Thread,
    upto: Seq,
    sent: bool,
}

impl OfThread {
    /// What to send of some records, and whether the stream ends with it.
    fn take(&mut self, chunk: &Chunk) -> (Bytes, bool) {
        if let From::After(_, format) = self.from {
            return (chunk.frames_as(format), false);
        }
        let mut out = Vec::new();
        let ends = chunk.records().any(|record| self.write(record, &mut out));
        (out.into(), ends)
    }

    /// Appends what to send to somebody who joins; says whether that is the end.
    fn write(&mut self, record: RecordRef<'_>, out: &mut Vec<u8>) -> bool {
        if self.sent {
            record.write_frame(out, Format::Event);
            return record.is_terminal();
        }
        if record.seq() < self.upto {
            apply(&mut self.thread, record);
            return false;
        }
        join(&mut self.thread, record, out);
        self.sent = true;
        false
    }
}
