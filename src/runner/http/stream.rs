//! SSE bodies that read a thread's log. A body is a cursor: whoever drops it changes nothing for the turn.

use std::time::Duration;

use axum::{
    body::{Body, Bytes},
    http::header,
    response::{IntoResponse, Response},
};
use futures_util::stream::{self, Stream};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::{follow::Follow, join};
use crate::{
    eventlog::{Chunk, LogError, Reader, Seq, ThreadLog},
    runner::{Start, Ticket},
};

/// A comment that keeps proxies and clients from giving up.
const HEARTBEAT: Bytes = Bytes::from_static(b": heartbeat\n\n");

/// How a stream behaves over time.
#[derive(Debug, Clone)]
pub struct Pace {
    /// How often an idle stream says that it lives.
    pub heartbeat: Duration,
    /// Cancelled when every turn has written its end: streams without an end of their own end then.
    pub stop: CancellationToken,
}

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
    pace: Pace,
) -> impl Stream<Item = Result<Bytes, LogError>> {
    frames_of(RunStream::Waiting(ticket), pace)
}

/// The run that goes on a thread, or the next one, to its last event; heartbeats until one goes.
pub(super) fn joined(
    log: ThreadLog,
    pace: Pace,
) -> impl Stream<Item = Result<Bytes, LogError>> {
    frames_of(RunStream::Idle(log), pace)
}

fn frames_of(state: RunStream, pace: Pace) -> impl Stream<Item = Result<Bytes, LogError>> {
    stream::unfold((state, pace), |(state, pace)| async move {
        let (item, state) = state.step(&pace).await?;
        Some((item, (state, pace)))
    })
}

enum RunStream {
    /// No run goes.
    Idle(ThreadLog),
    /// The run is accepted and has not started.
    Waiting(Ticket),
    Reading(Follow),
    Done,
}

type Step = Option<(Result<Bytes, LogError>, RunStream)>;

impl RunStream {
    async fn step(self, pace: &Pace) -> Step {
        match self {
            Self::Idle(log) => Self::idle(log, pace).await,
            Self::Waiting(ticket) => Self::wait(ticket, pace).await,
            Self::Reading(follow) => Self::read(follow, pace).await,
            Self::Done => None,
        }
    }

    async fn idle(log: ThreadLog, pace: &Pace) -> Step {
        tokio::select! {
            biased;
            joined = join::join(&log) => match joined {
                Ok((prelude, follow)) => Some((Ok(prelude), Self::Reading(follow))),
                Err(error) => Some((Err(error), Self::Done)),
            },
            () = pace.stop.cancelled() => None,
            () = tokio::time::sleep(pace.heartbeat) => Some((Ok(HEARTBEAT), Self::Idle(log))),
        }
    }

    async fn wait(mut ticket: Ticket, pace: &Pace) -> Step {
        match tokio::time::timeout(pace.heartbeat, started(&mut ticket.start)).await {
            Err(_) => Some((Ok(waiting_note(&ticket.start)), Self::Waiting(ticket))),
            Ok(Some(after)) => Self::read(Follow::new(ticket.log, ticket.run_id, after), pace).await,
            Ok(None) => None,
        }
    }

    async fn read(mut follow: Follow, pace: &Pace) -> Step {
        match tokio::time::timeout(pace.heartbeat, follow.next()).await {
            Err(_) => Some((Ok(HEARTBEAT), Self::Reading(follow))),
            Ok(Err(error)) => Some((Err(error), Self::Done)),
            Ok(Ok((frames, true))) => Some((Ok(frames), Self::Done)),
            Ok(Ok((frames, false))) => Some((Ok(frames), Self::Reading(follow))),
        }
    }
}

/// Waits until the run has started; `None`: it will not start here.
async fn started(start: &mut watch::Receiver<Start>) -> Option<Seq> {
    let settled = start.wait_for(|start| !matches!(start, Start::Queued(_))).await.ok()?;
    match *settled {
        Start::Started(after) => Some(after),
        Start::Queued(_) | Start::Left => None,
    }
}

fn waiting_note(start: &watch::Receiver<Start>) -> Bytes {
    match *start.borrow() {
        Start::Queued(ahead) => {
            Bytes::from(format!(": waiting behind {ahead} run(s) of this thread\n\n"))
        }
        Start::Started(_) | Start::Left => HEARTBEAT,
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

/// Everything after a cursor, until the runner has said its last word; heartbeats while nothing happens.
pub(super) fn raw_tail(
    reader: Reader,
    format: Format,
    pace: Pace,
) -> impl Stream<Item = Result<Bytes, LogError>> {
    stream::unfold((Some(reader), pace), move |(reader, pace)| async move {
        let mut reader = reader?;
        tokio::select! {
            // First what there is: a reader that keeps up sees the last event before its stream ends.
            biased;
            chunk = reader.next() => match chunk {
                Ok(chunk) => Some((Ok(frames(&chunk, format)), (Some(reader), pace))),
                Err(error) => Some((Err(error), (None, pace))),
            },
            () = pace.stop.cancelled() => None,
            () = tokio::time::sleep(pace.heartbeat) => Some((Ok(HEARTBEAT), (Some(reader), pace))),
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
