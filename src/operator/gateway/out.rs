//! The writing end of one stream: bounded, with a beat while nothing happens.

use std::{convert::Infallible, time::Duration};

use axum::{
    body::{Body, Bytes},
    http::header,
    response::{IntoResponse, Response},
};
use futures_util::{StreamExt, stream};
use tokio::sync::mpsc;

use super::source::Records;
use crate::{
    agui::sse,
    eventlog::{Chunk, Format, Record},
};

/// Pieces that wait for a reader. One that does not take them is disconnected, and resumes by id.
const WAITING: usize = 16;

/// The reader is gone, or too slow.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Left;

/// How streams behave over time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    /// How often a silent stream says that it lives.
    pub(super) heartbeat: Duration,
    /// How long a reader may take nothing.
    pub(super) stalled: Duration,
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
            stalled: Duration::from_secs(30),
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
    /// Sends bytes, if there are any.
    pub(super) async fn send(&self, bytes: impl Into<Bytes>) -> Result<(), Left> {
        let bytes = bytes.into();
        if bytes.is_empty() {
            return Ok(());
        }
        self.to.send_timeout(bytes, self.pace.stalled).await.map_err(|_| Left)
    }

    /// The next thing that happens; beats until then.
    pub(super) async fn next(&self, records: &mut Records, look: bool) -> Result<Next, Left> {
        let looked = tokio::time::sleep(self.pace.look);
        tokio::pin!(looked);
        loop {
            tokio::select! {
                biased;
                chunk = records.next() => return Ok(chunk.map_or(Next::End, Next::Chunk)),
                () = self.to.closed() => return Err(Left),
                () = &mut looked, if look => return Ok(Next::Look),
                () = tokio::time::sleep(self.pace.heartbeat) => self.send(sse::HEARTBEAT.to_vec()).await?,
            }
        }
    }
}

/// An answer that `write` fills for as long as `until` does not end it.
pub(super) fn answer<W>(
    pace: Pace,
    until: impl Future<Output = ()> + Send + 'static,
    write: impl FnOnce(Out) -> W,
) -> Response
where
    W: Future<Output = Result<(), Left>> + Send + 'static,
{
    let (to, from) = mpsc::channel(WAITING);
    let work = write(Out { to, pace });
    tokio::spawn(async move {
        tokio::select! {
            // Whoever left needs nothing more.
            _ = work => {}
            () = until => {}
        }
    });
    let frames = stream::unfold(from, |mut from| async move { Some((Ok::<_, Infallible>(from.recv().await?), from)) });
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
