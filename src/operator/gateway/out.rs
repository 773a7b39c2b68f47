//! One stream: bounded, with a beat while nothing happens.

use std::{convert::Infallible, task::Poll, time::Duration};

use axum::{
    body::{Body, Bytes},
    http::header,
    response::{IntoResponse, Response},
};
use futures_util::{StreamExt, stream};
use tokio::{
    sync::mpsc,
    time::{Instant, Interval, MissedTickBehavior, interval_at},
};

use super::source::Records;
use crate::{
    agui::sse,
    eventlog::{Chunk, Format, Record},
};

/// Pieces that are made ahead of a reader.
const AHEAD: usize = 4;

/// How streams behave over time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    /// How often a silent stream says that it lives.
    pub(super) heartbeat: Duration,
    /// How often the right to read is looked at again.
    pub(super) recheck: Duration,
    /// How long an API server may be silent about it.
    pub(super) grace: Duration,
    /// How often an object is looked at that may end a stream.
    pub(super) look: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            heartbeat: Duration::from_secs(15),
            recheck: Duration::from_mins(1),
            grace: Duration::from_mins(5),
            look: Duration::from_secs(1),
        }
    }
}

/// Where a stream is written to.
pub(super) struct Out {
    to: mpsc::Sender<Bytes>,
    pace: Pace,
    /// When the stream was last written to.
    spoke: Instant,
    /// One timer for all that a stream has to do now and then: arming one for each record would cost as much as the record.
    tick: Interval,
}

/// Something that happened while a stream waited.
pub(super) enum Next {
    /// Records came.
    Chunk(Chunk),
    /// Nothing more comes.
    End,
    /// It is time to look whether the stream still has something to wait for.
    Look,
}

impl Out {
    fn new(to: mpsc::Sender<Bytes>, pace: Pace) -> Self {
        let (now, every) = (Instant::now(), pace.look.min(pace.heartbeat));
        let mut tick = interval_at(now + every, every);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { to, pace, spoke: now, tick }
    }

    /// Sends bytes, if there are any.
    pub(super) async fn send(&mut self, bytes: impl Into<Bytes>) {
        let bytes = bytes.into();
        if !bytes.is_empty() {
            self.spoke = Instant::now();
            // Whoever drops the other end drops this one with it.
            let _ = self.to.send(bytes).await;
        }
    }

    /// The next thing that happens; beats until then.
    pub(super) async fn next(&mut self, records: &mut Records, look: bool) -> Next {
        loop {
            tokio::select! {
                biased;
                chunk = records.next() => return chunk.map_or(Next::End, Next::Chunk),
                now = self.tick.tick() => {
                    if now >= self.spoke + self.pace.heartbeat {
                        self.send(sse::HEARTBEAT.to_vec()).await;
                    }
                    if look {
                        return Next::Look;
                    }
                }
            }
        }
    }
}

/// An answer that `write` fills for as long as `until` does not end it. It is written while somebody takes it: whoever leaves
/// ends it, and the kernel disconnects whoever takes nothing.
pub(super) fn answer<W>(
    pace: Pace,
    until: impl Future<Output = ()> + Send + 'static,
    write: impl FnOnce(Out) -> W,
) -> Response
where
    W: Future<Output = ()> + Send + 'static,
{
    let (to, mut from) = mpsc::channel(AHEAD);
    let work = write(Out::new(to, pace));
    let mut work = Some(Box::pin(async move {
        tokio::select! {
            biased;
            () = until => {}
            () = work => {}
        }
    }));
    // The same task makes the pieces and takes them.
    let frames = stream::poll_fn(move |context| {
        if work.as_mut().is_some_and(|work| work.as_mut().poll(context).is_ready()) {
            work = None;
        }
        match from.try_recv() {
            Ok(piece) => Poll::Ready(Some(Ok::<_, Infallible>(piece))),
            Err(_) if work.is_none() => Poll::Ready(None),
            Err(_) => Poll::Pending,
        }
    });
    let headers = [
        (header::CONTENT_TYPE, "text/event-stream; charset=utf-8"),
        (header::CACHE_CONTROL, "no-cache"),
        (header::HeaderName::from_static("x-accel-buffering"), "no"),
    ];
    (headers, Body::from_stream(frames)).into_response()
}

/// The words of something that is no record: without an id, so that nobody resumes behind it.
pub(super) fn unnumbered(record: &Record, format: Format) -> Vec<u8> {
    let json = match format {
        Format::Event => serde_json::to_vec(&record.event),
        Format::Record => serde_json::to_vec(record),
    };
    // It is made of texts and numbers, which have a JSON form.
    [b"data: ", &*json.unwrap_or_default(), b"\n\n"].concat()
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use super::*;

    const SOON: Pace = Pace {
        heartbeat: Duration::from_millis(30),
        recheck: Duration::from_mins(1),
        grace: Duration::from_mins(1),
        look: Duration::from_millis(10),
    };

    fn silent() -> Records {
        stream::pending().boxed()
    }

    #[tokio::test]
    async fn a_silent_stream_says_that_it_lives_and_can_look_meanwhile() {
        let answer = answer(SOON, pending(), |mut out| async move {
            let begun = Instant::now();
            while begun.elapsed() < SOON.heartbeat * 3 {
                assert!(matches!(out.next(&mut silent(), true).await, Next::Look));
            }
            out.send("end").await;
        });
        let said = axum::body::to_bytes(answer.into_body(), 1 << 10).await.unwrap();
        let said = std::str::from_utf8(&said).unwrap().strip_suffix("end").unwrap();
        let beats = said.len() / sse::HEARTBEAT.len();
        assert_eq!(said.as_bytes(), sse::HEARTBEAT.repeat(beats));
        assert!((1..=3).contains(&beats), "{beats} in a time for three");
    }

    #[tokio::test]
    async fn more_pieces_than_are_made_ahead_come_in_their_order() {
        let answer = answer(SOON, pending(), |mut out| async move {
            for piece in 0..100 {
                out.send(format!("{piece} ")).await;
            }
        });
        let said = axum::body::to_bytes(answer.into_body(), 1 << 10).await.unwrap();
        assert_eq!(said, (0..100).map(|piece| format!("{piece} ")).collect::<Vec<_>>().concat());
    }

    #[tokio::test]
    async fn a_stream_ends_with_what_ends_it_and_its_work_with_the_stream() {
        let (held, let_go) = tokio::sync::oneshot::channel::<()>();
        let work = |mut out: Out| async move {
            let _held = held;
            out.next(&mut silent(), false).await;
        };
        let mut body = answer(SOON, tokio::time::sleep(SOON.heartbeat / 2), work).into_body().into_data_stream();
        assert!(body.next().await.is_none());
        assert!(let_go.await.is_err());
    }
}
