//! Ready SSE frames of consecutive records, made once and shared by all readers.

use bytes::Bytes;

use crate::agui::Id;

use super::{Seq, encode::Batch, record::event_in_frame};

/// Ready frames `id: <seq>\ndata: <event>\n\n` of records with consecutive numbers.
#[derive(Debug)]
pub(super) struct Piece {
    pub(super) first: Seq,
    pub(super) frames: Bytes,
    /// Where each frame ends in `frames`.
    ends: Box<[usize]>,
    /// What the frames do not say, for records from an index on.
    origins: Box<[Origin]>,
}

/// Run and time of the records from `from` on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Origin {
    from: usize,
    pub(super) run_id: Id,
    pub(super) at: i64,
}

impl Piece {
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// The number after the last one.
    pub(super) fn next(&self) -> Seq {
        self.first + self.ends.len() as Seq
    }

    /// Where the frame of the record at `index` begins; the end of all frames for the index after the last.
    pub(super) fn start(&self, index: usize) -> usize {
        index.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or(0)
    }

    /// The frame of the record at `index`, and the event inside it.
    pub(super) fn frame(&self, index: usize) -> (&[u8], &[u8]) {
        let range = self.start(index)..self.start(index + 1);
        let event = event_in_frame(self.first + index as Seq, range.clone());
        (&self.frames[range], &self.frames[event])
    }

    pub(super) fn origin(&self, index: usize) -> &Origin {
        let after = self.origins.partition_point(|origin| origin.from <= index);
        &self.origins[after.saturating_sub(1)]
    }
}

/// Builds a [`Piece`].
#[derive(Debug)]
pub(super) struct PieceBuilder {
    first: Seq,
    frames: Vec<u8>,
    ends: Vec<usize>,
    origins: Vec<Origin>,
}

impl PieceBuilder {
    /// `bytes` is an upper bound of the frames' size.
    pub(super) fn new(first: Seq, bytes: usize) -> Self {
        Self { first, frames: Vec::with_capacity(bytes), ends: Vec::new(), origins: Vec::new() }
    }

    /// A batch, joined to the piece before it if there is one.
    pub(super) fn joined(before: Option<&Piece>, batch: &Batch, run_id: &Id, at: i64) -> Piece {
        let bytes = before.map_or(0, |piece| piece.frames.len()) + batch.frame_bytes();
        let mut builder = Self::new(before.map_or(batch.first, |piece| piece.first), bytes);
        if let Some(before) = before {
            builder.frames.extend_from_slice(&before.frames);
            builder.ends.extend_from_slice(&before.ends);
            builder.origins.extend_from_slice(&before.origins);
        }
        builder.ends.reserve(batch.events.len());
        builder.origin(run_id, at);
        for event in &batch.events {
            builder.push(&batch.lines[event.clone()]);
        }
        builder.build()
    }

    /// The run and time of the records that follow.
    pub(super) fn origin(&mut self, run_id: &Id, at: i64) {
        let same = |last: &Origin| last.at == at && last.run_id == *run_id;
        if !self.origins.last().is_some_and(same) {
            self.origins.push(Origin { from: self.ends.len(), run_id: run_id.clone(), at });
        }
    }

    /// The next record's event.
    pub(super) fn push(&mut self, event: &[u8]) {
        let seq = self.first + self.ends.len() as Seq;
        self.frames.extend_from_slice(b"id: ");
        push_number(&mut self.frames, seq);
        self.frames.extend_from_slice(b"\ndata: ");
        self.frames.extend_from_slice(event);
        self.frames.extend_from_slice(b"\n\n");
        self.ends.push(self.frames.len());
    }

    pub(super) fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    pub(super) fn build(self) -> Piece {
        Piece {
            first: self.first,
            frames: Bytes::from(self.frames),
            ends: self.ends.into_boxed_slice(),
            origins: self.origins.into_boxed_slice(),
        }
    }
}

/// Appends a number in decimal.
fn push_number(buffer: &mut Vec<u8>, number: u64) {
    // Writing a number into a Vec cannot fail; serde_json does it without the formatting machinery.
    let _ = serde_json::to_writer(buffer, &number);
}
