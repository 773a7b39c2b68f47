//! Redaction of a thread's events, before they are verified, logged and sent.
//!
//! Text that comes in deltas is redacted as the text that the client assembles from them; every other member of every
//! event as a whole.

mod chunks;
mod events;
mod input;
mod lanes;
mod members;
mod messages;
mod part;

use std::sync::Arc;

use crate::{
    agui::{Event, Id},
    security::Redactor,
};

use chunks::Chunks;
use lanes::{Item, Lanes};
use members::Redact;
use part::Part;

/// Redacts one thread's events in their order.
///
/// - A delta whose end may be the start of a secret loses that end, which comes with the item's next delta, or in a
///   delta of its own before the item's end. A delta of which nothing is left is dropped, unless it has metadata.
/// - Text under another id is another text: a secret that is cut over two items is found in neither.
/// - `rawEvent` of an event with a delta is dropped: it carries the same piece of text, which cannot be judged alone.
/// - An id with a secret in it becomes the same other id wherever it appears.
#[derive(Debug)]
pub struct EventRedactor {
    redactor: Arc<Redactor>,
    lanes: Lanes,
    chunks: Chunks,
}

impl EventRedactor {
    /// A redactor for a thread on which nothing is open.
    #[must_use]
    pub fn new(redactor: Arc<Redactor>) -> Self {
        Self { redactor, lanes: Lanes::default(), chunks: Chunks::default() }
    }

    /// Appends to `out` what may go out now that `event` has come: none, one or several events.
    pub fn apply(&mut self, mut event: Event, out: &mut Vec<Event>) {
        for closed in self.chunks.closed_by(&event) {
            self.end(closed.item, &closed.id, event.timestamp, out);
        }
        match Part::of(&mut event.kind) {
            Part::Delta(item, id, delta) => {
                self.lanes.delta(&self.redactor, item, id, delta, &mut event.subagent_run_id);
                let is_empty = delta.is_empty();
                self.push_delta(event, is_empty, out);
            }
            Part::Chunk(item, id, delta) => {
                let opens = self.chunks.open(item, id.as_ref(), event.subagent_run_id.as_ref());
                let current = self.chunks.current(event.subagent_run_id.as_ref());
                self.lanes.chunk(&self.redactor, item, current, delta.as_mut(), &mut event.subagent_run_id);
                delta.take_if(|delta| delta.is_empty());
                let is_empty = delta.is_none() && !opens;
                event.kind.redact(&self.redactor);
                event.subagent_run_id.redact(&self.redactor);
                self.push_delta(event, is_empty, out);
            }
            Part::End(item, id) => {
                self.end(item, id, event.timestamp, out);
                self.push_whole(event, out);
            }
            Part::EndOfRun => {
                self.finish(event.timestamp, out);
                self.push_whole(event, out);
            }
            Part::Whole => self.push_whole(event, out),
        }
    }

    /// Appends all text that is still held back: nothing will follow on this thread, or another run.
    pub fn finish(&mut self, timestamp: Option<i64>, out: &mut Vec<Event>) {
        self.chunks = Chunks::default();
        self.lanes.finish(&self.redactor, timestamp, out);
    }

    fn end(&mut self, item: Item, id: &Id, timestamp: Option<i64>, out: &mut Vec<Event>) {
        if let Some(rest) = self.lanes.end(&self.redactor, item, id) {
            out.push(Event { timestamp, ..rest });
        }
    }

    fn push_delta(&self, mut event: Event, is_empty: bool, out: &mut Vec<Event>) {
        event.raw_event = None;
        if let Some(metadata) = &mut event.metadata {
            self.redactor.redact_map(metadata);
        } else if is_empty {
            return;
        }
        out.push(event);
    }

    fn push_whole(&self, mut event: Event, out: &mut Vec<Event>) {
        event.redact(&self.redactor);
        out.push(event);
    }
}
