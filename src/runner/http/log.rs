//! `POST /log/tail` and `POST /log/ack`: all threads at once, for whoever keeps the log elsewhere.
//!
//! A tail is JSON lines `{"thread", "seq", "runId", "at", "event"}`; empty lines say that the runner lives. Whoever has made records
//! durable says so, and the runner may forget them.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{
    Extension, Json,
    body::{Body, Bytes},
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use futures_util::{
    StreamExt,
    stream::{self, BoxStream, SelectAll},
};
use serde::Deserialize;
use tokio::sync::watch;

use super::{HttpError, Server, pulse::Pulse};
use crate::{
    agui::Id,
    eventlog::{Chunk, LogError, Seq, ThreadLog},
    runner::Engine,
};

/// An empty line.
const BEAT: Bytes = Bytes::from_static(b"\n");

/// A number for each thread.
type Cursors = HashMap<Id, Seq>;

#[derive(Debug, Default, Deserialize)]
pub(super) struct From {
    #[serde(default)]
    after: Cursors,
}

/// What is kept elsewhere.
#[derive(Debug, Default)]
pub struct Acknowledged {
    seqs: Mutex<Cursors>,
    changed: watch::Sender<u64>,
}

impl Acknowledged {
    fn note(&self, acknowledged: &Cursors) {
        let mut seqs = self.seqs.lock().unwrap_or_else(PoisonError::into_inner);
        for (thread, seq) in acknowledged {
            let known = seqs.entry(thread.clone()).or_default();
            *known = (*seq).max(*known);
        }
        drop(seqs);
        self.changed.send_modify(|count| *count += 1);
    }

    /// Waits until everything is kept elsewhere; at once where nobody ever said that anything is. False: it is not, in
    /// that time.
    pub async fn wait(&self, engine: &Engine, within: Duration) -> bool {
        let mut changed = self.changed.subscribe();
        if *changed.borrow_and_update() == 0 {
            return true;
        }
        let all = async { while !self.has_all(engine) && changed.changed().await.is_ok() {} };
        tokio::time::timeout(within, all).await.is_ok()
    }

    fn has_all(&self, engine: &Engine) -> bool {
        let seqs = self.seqs.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = |log: &ThreadLog| log.runs().is_empty() || seqs.get(log.id()) >= Some(&log.last_seq());
        engine.logs().0.iter().all(kept)
    }
}

/// Whole segments up to there are deleted.
pub(super) async fn ack(
    State(server): State<Server>,
    Extension(kept): Extension<Arc<Acknowledged>>,
    Json(cursors): Json<Cursors>,
) -> Result<StatusCode, HttpError> {
    for (thread, seq) in &cursors {
        if let Some(log) = server.engine.log(thread) {
            log.acknowledge((*seq).min(log.last_seq()))?;
        }
    }
    kept.note(&cursors);
    Ok(StatusCode::NO_CONTENT)
}

/// Everything after the given numbers, of all threads, also of those that come to be, until the runner ends.
pub(super) async fn tail(State(server): State<Server>, Json(from): Json<From>) -> Response {
    let headers = [(header::CONTENT_TYPE, "application/x-ndjson"), (header::CACHE_CONTROL, "no-cache")];
    let tail = Tail {
        grown: server.engine.logs().1,
        known: HashSet::new(),
        all: SelectAll::new(),
        after: from.after,
        pulse: server.pace.pulse(),
        server,
    };
    (headers, Body::from_stream(stream::unfold(Some(tail), Tail::step))).into_response()
}

type Lines = BoxStream<'static, Result<Bytes, LogError>>;

struct Tail {
    server: Server,
    grown: watch::Receiver<u64>,
    known: HashSet<Id>,
    all: SelectAll<Lines>,
    after: Cursors,
    pulse: Pulse,
}

impl Tail {
    async fn step(tail: Option<Self>) -> Option<(Result<Bytes, LogError>, Option<Self>)> {
        let mut tail = tail?;
        loop {
            tail.grown.borrow_and_update();
            tail.look();
            let item = tokio::select! {
                // First what there is: the last event goes out before the stream ends.
                biased;
                Some(item) = tail.all.next(), if !tail.all.is_empty() => item,
                _ = tail.grown.changed() => continue,
                () = tail.server.pace.stop.cancelled() => return None,
                () = tail.pulse.beat() => Ok(BEAT),
            };
            tail.pulse.spoke();
            let next = item.is_ok().then_some(tail);
            return Some((item, next));
        }
    }

    /// Takes up the threads that are new.
    fn look(&mut self) {
        for log in self.server.engine.logs().0 {
            if self.known.insert(log.id().clone()) {
                let after = self.after.get(log.id()).copied().unwrap_or_default();
                self.all.push(lines(&log, after));
            }
        }
    }
}

/// The records of a thread after a number, or from the first that is there.
fn lines(log: &ThreadLog, after: Seq) -> Lines {
    let after = after.clamp(log.first_seq().saturating_sub(1), log.last_seq().max(log.first_seq().saturating_sub(1)));
    let thread = serde_json::to_vec(log.id()).unwrap_or_default();
    let state = (log.reader(after), thread);
    stream::unfold(Some(state), |state| async move {
        let (mut reader, thread) = state?;
        match reader.next().await {
            Ok(chunk) => Some((Ok(written(&chunk, &thread)), Some((reader, thread)))),
            // It has said its last word.
            Err(LogError::Closed { .. }) => None,
            Err(error) => Some((Err(error), None)),
        }
    })
    .boxed()
}

fn written(chunk: &Chunk, thread: &[u8]) -> Bytes {
    let mut out = Vec::with_capacity(chunk.frames.len() + chunk.len() * 64);
    for record in chunk.records() {
        out.extend_from_slice(b"{\"thread\":");
        out.extend_from_slice(thread);
        let brace = out.len();
        record.write_json(&mut out);
        out[brace] = b',';
        out.push(b'\n');
    }
    out.into()
}
