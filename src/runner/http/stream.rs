//! SSE bodies that read a thread's log. A body is a cursor: whoever drops it changes nothing for the turn.

use std::{sync::Arc, time::Duration};

use axum::{
    body::{Body, Bytes},
    http::header,
    response::{IntoResponse, Response},
};
use futures_util::stream::{self, Stream};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::{
    join::{self, Joins},
    pulse::{Pulse, Timers},
};
use crate::{
    eventlog::{Format, LogError, Reader, Seq, ThreadLog},
    runner::{Follow, Start, Ticket},
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
    timers: Timers,
}

impl Pace {
    /// Streams that say every `heartbeat` that they live.
    #[must_use]
    pub fn new(heartbeat: Duration, stop: CancellationToken) -> Self {
        Self { heartbeat, stop, timers: Timers::default() }
    }

    pub(super) fn pulse(&self) -> Pulse {
        Pulse::new(self.heartbeat, &self.timers)
    }
}

/// The answer of every stream.
pub(super) fn response(frames: impl Stream<Item = Result<Bytes, LogError>> + Send + 'static) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/event-stream; charset=utf-8"),
        (header::CACHE_CONTROL, "no-cache"),
        // Tells nginx-like proxies to pass frames on as they come.
        (header::HeaderName::from_static("x-accel-buffering"), "no"),
    ];
    (headers, Body::from_stream(frames)).into_response()
}

/// The events of one run, from its first to its last; heartbeats while it waits.
pub(super) fn of_run(ticket: Ticket, pace: Pace) -> impl Stream<Item = Result<Bytes, LogError>> {
    frames_of(RunStream::Waiting(ticket), pace)
}

/// What has been on a thread, then the run that goes, or the next one, to its last event; heartbeats until one goes.
pub(super) fn joined(log: ThreadLog, joins: Arc<Joins>, pace: Pace) -> impl Stream<Item = Result<Bytes, LogError>> {
    frames_of(RunStream::Joining(log, joins), pace)
}

fn frames_of(state: RunStream, pace: Pace) -> impl Stream<Item = Result<Bytes, LogError>> {
    let pulse = pace.pulse();
    stream::unfold((state, pace, pulse), |(state, pace, mut pulse)| async move {
        let (item, state) = state.step(&pace, &mut pulse).await?;
        pulse.spoke();
        Some((item, (state, pace, pulse)))
    })
}

enum RunStream {
    /// A client joins.
    Joining(ThreadLog, Arc<Joins>),
    /// No run goes; the next one comes after this seq.
    Idle(ThreadLog, Seq),
    /// The run is accepted and has not started.
    Waiting(Ticket),
    Reading(Follow),
    Done,
}

type Step = Option<(Result<Bytes, LogError>, RunStream)>;

impl RunStream {
    async fn step(self, pace: &Pace, pulse: &mut Pulse) -> Step {
        match self {
            Self::Joining(log, joins) => Self::join(log, joins, pulse).await,
            Self::Idle(log, at) => Self::idle(log, at, pace, pulse).await,
            Self::Waiting(ticket) => Self::wait(ticket, pulse).await,
            Self::Reading(follow) => Self::read(follow, pulse).await,
            Self::Done => None,
        }
    }

    async fn join(log: ThreadLog, joins: Arc<Joins>, pulse: &mut Pulse) -> Step {
        let joined = tokio::select! {
            biased;
            joined = joins.join(&log) => match joined {
                Ok(joined) => joined,
                Err(error) => return failed(error),
            },
            // What was folded until now is kept.
            () = pulse.beat() => return Some((Ok(HEARTBEAT), Self::Joining(log, joins))),
        };
        let next = match joined.run {
            Some(run) => Self::Reading(Follow::new(log, run, joined.at)),
            None => Self::Idle(log, joined.at),
        };
        Some((Ok(joined.prelude), next))
    }

    async fn idle(log: ThreadLog, at: Seq, pace: &Pace, pulse: &mut Pulse) -> Step {
        tokio::select! {
            biased;
            run = join::next_run(&log, at) => match run {
                Ok(follow) => Self::read(follow, pulse).await,
                Err(error) => failed(error),
            },
            () = pace.stop.cancelled() => None,
            () = pulse.beat() => Some((Ok(HEARTBEAT), Self::Idle(log, at))),
        }
    }

    async fn wait(mut ticket: Ticket, pulse: &mut Pulse) -> Step {
        let started = tokio::select! {
            biased;
            started = Follow::start(&mut ticket) => started,
            () = pulse.beat() => {
                return Some((Ok(waiting_note(&ticket.start)), Self::Waiting(ticket)));
            }
        };
        Self::read(started?, pulse).await
    }

    async fn read(mut follow: Follow, pulse: &mut Pulse) -> Step {
        tokio::select! {
            biased;
            next = follow.next() => Some(match next {
                Err(error) => (Err(error), Self::Done),
                Ok((chunk, true)) => (Ok(chunk.frames), Self::Done),
                Ok((chunk, false)) => (Ok(chunk.frames), Self::Reading(follow)),
            }),
            () = pulse.beat() => Some((Ok(HEARTBEAT), Self::Reading(follow))),
        }
    }
}

/// A log that was closed has said its last word; any other error cuts the stream off, so that the client comes back.
fn failed(error: LogError) -> Step {
    match error {
        LogError::Closed { .. } => None,
        error => Some((Err(error), RunStream::Done)),
    }
}

fn waiting_note(start: &watch::Receiver<Start>) -> Bytes {
    match *start.borrow() {
        Start::Queued(ahead) => Bytes::from(format!(": waiting behind {ahead} run(s) of this thread\n\n")),
        Start::Started(_) | Start::Left => HEARTBEAT,
    }
}

/// Everything after a cursor, until the runner has said its last word; heartbeats while nothing happens.
pub(super) fn raw_tail(reader: Reader, format: Format, pace: Pace) -> impl Stream<Item = Result<Bytes, LogError>> {
    let pulse = pace.pulse();
    stream::unfold((Some(reader), pace, pulse), move |(reader, pace, mut pulse)| async move {
        let mut reader = reader?;
        let (item, reader) = tokio::select! {
            // First what there is: a reader that keeps up sees the last event before its stream ends.
            biased;
            chunk = reader.next() => match chunk {
                Ok(chunk) => (Ok(chunk.frames_as(format)), Some(reader)),
                Err(error) => (Err(error), None),
            },
            () = pace.stop.cancelled() => return None,
            () = pulse.beat() => (Ok(HEARTBEAT), Some(reader)),
        };
        pulse.spoke();
        Some((item, (reader, pace, pulse)))
    })
}
