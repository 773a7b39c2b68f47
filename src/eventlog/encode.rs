//! Events to lines.

use std::ops::Range;

use crate::agui::{Event, EventKind, Id};

use super::{LogError, Seq, record::frame_overhead};

/// Buffers above this are given back after a large event.
const KEEP: usize = 256 << 10;

/// A batch of events as lines, in a buffer that is used again.
#[derive(Debug, Default)]
pub(super) struct Batch {
    /// The lines, ready to be written.
    pub(super) lines: Vec<u8>,
    /// Where the events are in `lines`.
    pub(super) events: Vec<Range<usize>>,
    pub(super) first: Seq,
    /// Whether a `RUN_STARTED` is among them.
    pub(super) started: bool,
    /// Whether a terminal event is among them.
    pub(super) ended: bool,
    /// What stands between seq and event in every line of the batch.
    middle: Vec<u8>,
}

impl Batch {
    pub(super) fn fill(&mut self, first: Seq, run_id: &Id, at: i64, events: &[Event]) -> Result<(), LogError> {
        self.clear();
        self.first = first;
        self.write_middle(run_id, at).map_err(LogError::encode)?;
        for (seq, event) in (first..).zip(events) {
            self.push(seq, event).map_err(LogError::encode)?;
        }
        Ok(())
    }

    /// The size of the batch's frames, exact but for a change in the number of digits.
    pub(super) fn frame_bytes(&self) -> usize {
        let around = frame_overhead(self.first + self.events.len() as Seq);
        self.events.iter().map(|event| event.len() + around).sum()
    }

    fn clear(&mut self) {
        self.lines.clear();
        self.lines.shrink_to(KEEP);
        self.events.clear();
        self.started = false;
        self.ended = false;
    }

    fn write_middle(&mut self, run_id: &Id, at: i64) -> serde_json::Result<()> {
        self.middle.clear();
        self.middle.extend_from_slice(b",\"runId\":");
        serde_json::to_writer(&mut self.middle, run_id)?;
        self.middle.extend_from_slice(b",\"at\":");
        serde_json::to_writer(&mut self.middle, &at)?;
        self.middle.extend_from_slice(b",\"event\":");
        Ok(())
    }

    fn push(&mut self, seq: Seq, event: &Event) -> serde_json::Result<()> {
        self.lines.extend_from_slice(b"{\"seq\":");
        serde_json::to_writer(&mut self.lines, &seq)?;
        self.lines.extend_from_slice(&self.middle);
        let start = self.lines.len();
        write_event(&mut self.lines, event)?;
        self.events.push(start..self.lines.len());
        self.lines.extend_from_slice(b"}\n");
        match event.kind {
            EventKind::RunStarted { .. } => self.started = true,
            EventKind::RunFinished { .. } | EventKind::RunError { .. } => self.ended = true,
            _ => {}
        }
        Ok(())
    }
}

/// The one place that turns an event into text.
fn write_event(buffer: &mut Vec<u8>, event: &Event) -> serde_json::Result<()> {
    serde_json::to_writer(&mut *buffer, event)
}
