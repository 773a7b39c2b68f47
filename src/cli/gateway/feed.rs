//! The records of a Run or of a session's thread, over as many connections as it takes: a new one goes on where the one before broke off.

use std::{collections::VecDeque, time::Duration};

use futures_util::StreamExt;
use tokio::time::Instant;

use super::{Gateway, GatewayError, Stream};
use crate::{
    agui::sse::{Frame, Parser},
    eventlog::{Record, Seq},
};

/// The pauses between attempts: the first, and the longest.
const PAUSE: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(5));
/// How long a gateway may be away.
const AWAY: Duration = Duration::from_mins(5);
/// How long a stream may be silent: the gateway says every 15 s that it lives.
const SILENCE: Duration = Duration::from_mins(1);

/// What comes next.
pub(in crate::cli) enum Piece {
    /// An event.
    Record(Box<Record>),
    /// The gateway has ended the stream; a new one is asked for next.
    Ended,
    /// The connection is broken for this reason; a new one is tried next.
    Broken(GatewayError),
}

/// A Run, or a session's thread, as the gateway tells it.
pub(in crate::cli) struct Feed<'a> {
    gateway: &'a Gateway,
    path: String,
    /// What else is asked for.
    more: Vec<(&'static str, String)>,
    after: Seq,
    open: Option<(Stream, Parser)>,
    ready: VecDeque<Record>,
    /// When the next connection may be tried, and how long the pause after it is.
    next_try: (Instant, Duration),
    /// When something was heard last; none: never.
    heard: Option<Instant>,
    since: Instant,
}

impl<'a> Feed<'a> {
    /// Of a path of the gateway, from after a record (0: from its beginning), with more parameters.
    pub(in crate::cli) fn new(
        gateway: &'a Gateway,
        path: String,
        after: Seq,
        more: Vec<(&'static str, String)>,
    ) -> Self {
        let now = Instant::now();
        let (open, ready, next_try) = (None, VecDeque::new(), (now, PAUSE.0));
        Self { gateway, path, more, after, open, ready, next_try, heard: None, since: now }
    }

    /// Whether the gateway has said anything yet.
    pub(in crate::cli) fn was_heard(&self) -> bool {
        self.heard.is_some()
    }

    /// What comes next. Nothing is lost when it is dropped before it has resolved.
    pub(in crate::cli) async fn next(&mut self) -> Result<Piece, GatewayError> {
        loop {
            if let Some(record) = self.ready.pop_front() {
                self.after = self.after.max(record.seq);
                self.heard();
                return Ok(Piece::Record(Box::new(record)));
            }
            match self.step().await {
                Ok(true) => {}
                Ok(false) => return Ok(Piece::Ended),
                Err(error) if self.is_passing(&error) => return Ok(Piece::Broken(error)),
                Err(error) => return Err(error),
            }
        }
    }

    /// One more piece of the stream, or a stream; false: the stream has ended.
    async fn step(&mut self) -> Result<bool, GatewayError> {
        let Some((stream, parser)) = &mut self.open else {
            self.connect().await?;
            return Ok(true);
        };
        let broken = |reason: &dyn std::fmt::Display| GatewayError::Unreachable(reason.to_string());
        let piece = match tokio::time::timeout(SILENCE, stream.body.next()).await {
            Ok(Some(Ok(piece))) => Ok(Some(piece)),
            Ok(Some(Err(error))) => Err(broken(&error)),
            Ok(None) => Ok(None),
            Err(_) => Err(broken(&"the stream is silent")),
        };
        let mut frames = Vec::new();
        let parsed = piece.and_then(|piece| match piece {
            Some(piece) => parser.push(&piece, &mut frames).map(|()| true).map_err(|error| broken(&error)),
            None => Ok(false),
        });
        self.ready.extend(frames.iter().filter_map(record));
        if parsed.as_ref().is_ok_and(|goes_on| *goes_on) {
            self.heard();
        } else {
            self.open = None;
        }
        parsed
    }

    async fn connect(&mut self) -> Result<(), GatewayError> {
        tokio::time::sleep_until(self.next_try.0).await;
        let opened = self.gateway.stream(&self.asked()).await;
        // Also after one that was opened: it may end at once, again and again.
        self.next_try = (Instant::now() + self.next_try.1, (self.next_try.1 * 2).min(PAUSE.1));
        self.open = Some((opened?, Parser::new()));
        Ok(())
    }

    fn asked(&self) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.append_pair("after", &self.after.to_string()).append_pair("format", "record").extend_pairs(&self.more);
        format!("{}?{}", self.path, query.finish())
    }

    fn heard(&mut self) {
        self.heard = Some(Instant::now());
        self.next_try.1 = PAUSE.0;
    }

    fn is_passing(&self, error: &GatewayError) -> bool {
        error.is_passing() && self.heard.unwrap_or(self.since).elapsed() < AWAY
    }
}

/// An event that this version does not know is of a newer one.
fn record(frame: &Frame) -> Option<Record> {
    serde_json::from_slice(&frame.data).ok()
}

/// The path of a kind and a name, each part as it is in a URL.
pub(in crate::cli) fn path(parts: &[&str], namespace: &str) -> Result<String, GatewayError> {
    let bad = |_| GatewayError::Usage("the name is none".to_owned());
    let mut url = url::Url::parse("https://gateway/v1").map_err(bad)?;
    if let Ok(mut path) = url.path_segments_mut() {
        path.extend(["namespaces", namespace]).extend(parts).push("events");
    }
    Ok(url.path().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_leave_its_place_in_the_path() {
        let path = path(&["sessions", "../../x?y"], "n").unwrap();
        assert_eq!(path, "/v1/namespaces/n/sessions/..%2F..%2Fx%3Fy/events");
    }
}
