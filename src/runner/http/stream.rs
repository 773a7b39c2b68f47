//! SSE bodies that read a thread's log. A body is a cursor: whoever drops it changes nothing for the turn.

use std::time::Duration;

use axum::{
    body::{Body, Bytes},
    http::header,
    response::{IntoResponse, Response},
};
use futures_util::stream::{self, Stream};
use tokio::sync::watch;

use super::join;
use crate::{
    agui::Id,
    eventlog::{Chunk, LogError, Reader, Seq, ThreadLog},
    runner::{Start, Ticket},
};

/// A comment that keeps proxies and clients from giving up.
const HEARTBEAT: Bytes = Bytes::from_static(b": heartbeat\n\n");

/// The answer of every stream.
pub(super) fn response(
    frames: impl Stream<Item = Result<Bytes, LogError>> + Send + 'static,
) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/event-stream; charset=utf-8"),
        (header::CACHE_CONTROL, "no-cache"),
        // Tells nginx-like proxies to pass frames on as they come.
        (header::HeaderName::from_static("x-accel-buffering"), "no"),
    ];
    (headers, Body::from_stream(frames)).into_response()
}

/// The events of one run, from its first to its last; heartbeats while it waits.
pub(super) fn of_run(
    ticket: Ticket,
    heartbeat: Duration,
) -> impl Stream<Item = Result<Bytes, LogError>> {
    stream::unfold(RunStream::Waiting(ticket), move |state| {
        state.step(heartbeat)
    })
}

enum RunStream {
    Idle(ThreadLog),
    Waiting(Ticket),
    Reading(Follow),
    Done,
}

impl RunStream {
    async fn step(self, heartbeat: Duration) -> Option<(Result<Bytes, LogError>, Self)> {
        match self {
            Self::Idle(log) => Self::idle(log, heartbeat).await,
            Self::Waiting(ticket) => Self::wait(ticket, heartbeat).await,
            Self::Reading(follow) => Self::read(follow, heartbeat).await,
            Self::Done => None,
        }
    }

    async fn idle(log: ThreadLog, heartbeat: Duration) -> Option<(Result<Bytes, LogError>, Self)> {
        match tokio::time::timeout(heartbeat, join::running(&log)).await {
            Err(_) => Some((Ok(HEARTBEAT), Self::Idle(log))),
            Ok(Err(error)) => Some((Err(error), Self::Done)),
            Ok(Ok(run)) => {
                let follow = Follow {
                    reader: log.reader(run.first - 1),
                    log,
                    run_id: run.run_id,
                };
                Self::read(follow, heartbeat).await
            }
        }
    }

    async fn wait(
        mut ticket: Ticket,
        heartbeat: Duration,
    ) -> Option<(Result<Bytes, LogError>, Self)> {
        let started = tokio::time::timeout(heartbeat, started(&mut ticket.start)).await;
        match started {
            Err(_) => Some((Ok(waiting_note(&ticket.start)), Self::Waiting(ticket))),
            Ok(Some(after)) => {
                let follow = Follow {
                    reader: ticket.log.reader(after),
                    log: ticket.log,
                    run_id: ticket.run_id,
                };
                Self::read(follow, heartbeat).await
            }
            Ok(None) => None,
        }
    }

    async fn read(
        mut follow: Follow,
        heartbeat: Duration,
    ) -> Option<(Result<Bytes, LogError>, Self)> {
        match tokio::time::timeout(heartbeat, follow.next()).await {
            Err(_) => Some((Ok(HEARTBEAT), Self::Reading(follow))),
            Ok(Err(error)) => Some((Err(error), Self::Done)),
            Ok(Ok((frames, true))) => Some((Ok(frames), Self::Done)),
            Ok(Ok((frames, false))) => Some((Ok(frames), Self::Reading(follow))),
        }
    }
}

/// Waits until the run has started; `None`: it will not start here.
async fn started(start: &mut watch::Receiver<Start>) -> Option<Seq> {
    let settled = start
        .wait_for(|start| !matches!(start, Start::Queued(_)))
        .await
        .ok()?;
    match *settled {
        Start::Started(after) => Some(after),
        Start::Queued(_) | Start::Left => None,
    }
}

fn waiting_note(start: &watch::Receiver<Start>) -> Bytes {
    match *start.borrow() {
        Start::Queued(ahead) => Bytes::from(format!(
            ": waiting behind {ahead} run(s) of this thread\n\n"
        )),
        Start::Started(_) | Start::Left => HEARTBEAT,
    }
}

/// The run that goes on a thread, or the next one, from its first event to its last.
pub(super) fn when_running(
    log: ThreadLog,
    heartbeat: Duration,
) -> impl Stream<Item = Result<Bytes, LogError>> {
    stream::unfold(RunStream::Idle(log), move |state| state.step(heartbeat))
}

struct Follow {
    reader: Reader,
    log: ThreadLog,
    run_id: Id,
}

impl Follow {
    /// The run's next frames, and whether its last one is among them.
    async fn next(&mut self) -> Result<(Bytes, bool), LogError> {
        let chunk = self.reader.next().await?;
        let end = self
            .log
            .run(&self.run_id)
            .filter(|run| run.ended)
            .map(|run| run.last);
        Ok(match end.filter(|end| *end <= chunk.last) {
            Some(end) => (
                chunk
                    .up_to(end)
                    .map_or_else(Bytes::new, |chunk| chunk.frames),
                true,
            ),
            None => (chunk.frames, false),
        })
    }
}

/// How records are written to a raw reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    /// The event, as AG-UI clients know it.
    Event,
    /// The whole record: seq, run id, time, event.
    Record,
}

/// Everything after a cursor, for ever; heartbeats while nothing happens.
pub(super) fn raw_tail(
    reader: Reader,
    format: Format,
    heartbeat: Duration,
) -> impl Stream<Item = Result<Bytes, LogError>> {
    stream::unfold(Some(reader), move |reader| async move {
        let mut reader = reader?;
        match tokio::time::timeout(heartbeat, reader.next()).await {
            Err(_) => Some((Ok(HEARTBEAT), Some(reader))),
            Ok(Err(error)) => Some((Err(error), None)),
            Ok(Ok(chunk)) => Some((Ok(frames(&chunk, format)), Some(reader))),
        }
    })
}

fn frames(chunk: &Chunk, format: Format) -> Bytes {
    match format {
        Format::Event => chunk.frames.clone(),
        Format::Record => record_frames(chunk),
    }
}

fn record_frames(chunk: &Chunk) -> Bytes {
    let mut out = Vec::with_capacity(chunk.frames.len() * 2);
    let mut line = Vec::new();
    for record in chunk.records() {
        line.clear();
        record.write_json(&mut line);
        crate::agui::sse::write_frame(&mut out, record.seq(), &line);
    }
    out.into()
}
