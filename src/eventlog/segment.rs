//! What is in a segment file.

use serde::{Deserialize, Serialize};

use super::{RunSpan, Seq, names, runs::Runs};

/// Bytes between two entries of a segment's offset table.
const STRIDE: u64 = 64 << 10;

/// What is in a segment file: kept in memory for every segment, and on disk as the index of a synced one.
///
/// Numbers inside a segment are consecutive. Where numbers are left out, a new segment begins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Segment {
    /// The first record's number, which is the file's name.
    pub(super) first: Seq,
    /// The number after the last record.
    pub(super) next: Seq,
    /// The length of all whole records.
    pub(super) bytes: u64,
    /// Whether nothing is appended any more. Only then may the next segment begin with a higher number than `next`.
    pub(super) sealed: bool,
    /// The runs with records here.
    pub(super) runs: Runs,
    /// Some records and where they begin, in order.
    offsets: Vec<(Seq, u64)>,
}

/// A record's number and where its line begins in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Position {
    pub(super) seq: Seq,
    pub(super) offset: u64,
}

impl Segment {
    pub(super) fn new(first: Seq) -> Self {
        Self { first, next: first, bytes: 0, sealed: false, runs: Runs::default(), offsets: Vec::new() }
    }

    pub(super) fn file(&self) -> String {
        names::segment(self.first)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.next == self.first
    }

    /// Adds records of one run: from `next` to `span.last`, `bytes` long together.
    pub(super) fn grow(&mut self, span: &RunSpan, bytes: u64) {
        let stride_passed = self.offsets.last().is_none_or(|(_, at)| self.bytes - at >= STRIDE);
        if stride_passed {
            self.offsets.push((self.next, self.bytes));
        }
        self.runs.note(span);
        self.next = span.last + 1;
        self.bytes += bytes;
    }

    /// A record at or before `seq`, as near as the table knows.
    pub(super) fn position(&self, seq: Seq) -> Position {
        let after = self.offsets.partition_point(|(first, _)| *first <= seq);
        let entry = after.checked_sub(1).and_then(|index| self.offsets.get(index));
        let (seq, offset) = entry.copied().unwrap_or((self.first, 0));
        Position { seq, offset }
    }
}
