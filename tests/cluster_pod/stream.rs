//! A run's stream.

use ambient::agui::{
    Event, EventKind, Id, Verifier,
    sse::{Frame, Parser},
};
use serde_json::Value;

use crate::pod::SESSION;

/// A stream under way.
pub(crate) struct Stream {
    response: reqwest::Response,
    parser: Parser,
    ready: Vec<Frame>,
    raw: Vec<u8>,
}

/// What came until a stream's end.
pub(crate) struct Whole {
    pub(crate) events: Vec<Event>,
    pub(crate) raw: Vec<u8>,
}

impl Stream {
    pub(crate) fn of(response: reqwest::Response) -> Self {
        Self { response, parser: Parser::new(), ready: Vec::new(), raw: Vec::new() }
    }

    /// Reads to the end, or to where the runner ceased to be.
    pub(crate) async fn rest(mut self) -> Whole {
        while self.piece().await {}
        Whole { events: self.ready.iter().map(event).collect(), raw: self.raw }
    }

    /// Reads until a run has ended; a raw tail would go on for ever.
    pub(crate) async fn one_run(mut self) -> Whole {
        while !self.ready.iter().any(|frame| is_terminal(&event(frame))) {
            assert!(self.piece().await, "the stream ended before its run");
        }
        Whole { events: self.ready.iter().map(event).collect(), raw: self.raw }
    }

    async fn piece(&mut self) -> bool {
        let Ok(Some(bytes)) = self.response.chunk().await else {
            return false;
        };
        self.raw.extend_from_slice(&bytes);
        self.parser.push(&bytes, &mut self.ready).unwrap();
        true
    }
}

impl Whole {
    /// The value of `ambient:outcome` of a stream that keeps the protocol's rules and ends with its only terminal event.
    pub(crate) fn outcome(&self) -> Value {
        let mut verifier = Verifier::new(Id::from(SESSION));
        for event in &self.events {
            verifier.check(event).unwrap();
        }
        verifier.finish().unwrap();
        let terminals = self.events.iter().filter(|event| is_terminal(event)).count();
        assert_eq!(terminals, 1, "{:?}", self.events);
        let value = |event: &Event| match &event.kind {
            EventKind::Custom { name, value } if name == "ambient:outcome" => Some(value.clone()),
            _ => None,
        };
        self.events.iter().find_map(value).expect("a run has an outcome")
    }

    /// The reason of the outcome.
    pub(crate) fn reason(&self) -> String {
        self.outcome()["reason"].as_str().unwrap_or_default().to_owned()
    }
}

fn event(frame: &Frame) -> Event {
    serde_json::from_slice(&frame.data).unwrap()
}

fn is_terminal(event: &Event) -> bool {
    matches!(event.kind, EventKind::RunFinished { .. } | EventKind::RunError { .. })
}
