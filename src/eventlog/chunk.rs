//! What a reader gets.

use std::{ops::Range, sync::Arc};

use bytes::Bytes;

use crate::agui::{Event, Id, sse};

use super::{Format, Record, Seq, piece::Piece, record::kind_of};

/// Room for what a record has beside its event, with a run id of usual length.
const RECORD: usize = 128;

/// Consecutive records, at least one. Cheap to clone: all readers share the bytes.
#[derive(Debug, Clone)]
pub struct Chunk {
    /// The first record's number. It is the reader's cursor plus one, unless numbers were left out there (after a power
    /// cut, or by [`super::ThreadLog::set_first_seq`]).
    pub first: Seq,
    /// The last record's number.
    pub last: Seq,
    /// The frames `id: <seq>\ndata: <event>\n\n` of all records, ready to be sent.
    pub frames: Bytes,
    piece: Arc<Piece>,
    range: Range<usize>,
}

impl Chunk {
    /// The records of a piece from `index` on; there must be one.
    pub(super) fn new(piece: Arc<Piece>, index: usize) -> Self {
        Self {
            first: piece.first + index as Seq,
            last: piece.next() - 1,
            frames: piece.frames.slice(piece.start(index)..),
            range: index..piece.len(),
            piece,
        }
    }

    /// The records one by one, oldest first.
    pub fn records(&self) -> impl DoubleEndedIterator<Item = RecordRef<'_>> + ExactSizeIterator {
        self.range.clone().map(|index| RecordRef { piece: &self.piece, index })
    }

    /// How many records there are, at least 1.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "a chunk is never empty")]
    pub fn len(&self) -> usize {
        self.range.len()
    }

    /// The records up to `last` only; `None` if all come after it. For a reader that ends with its run.
    #[must_use]
    pub fn up_to(&self, last: Seq) -> Option<Self> {
        if last >= self.last {
            return Some(self.clone());
        }
        let records = usize::try_from((last + 1).checked_sub(self.first)?).ok().filter(|n| *n > 0)?;
        let range = self.range.start..self.range.start + records;
        let begin = self.piece.start(range.start);
        let frames = self.frames.slice(..self.piece.start(range.end) - begin);
        Some(Self { first: self.first, last, frames, piece: Arc::clone(&self.piece), range })
    }

    /// The records after `cursor` only; `None` if there are none.
    #[must_use]
    pub fn after(&self, cursor: Seq) -> Option<Self> {
        if cursor < self.first {
            return Some(self.clone());
        }
        let skipped = usize::try_from(cursor + 1 - self.first).ok().filter(|n| *n < self.len())?;
        let range = self.range.start + skipped..self.range.end;
        let frames = self.frames.slice(self.piece.start(range.start) - self.piece.start(self.range.start)..);
        Some(Self { first: cursor + 1, last: self.last, frames, piece: Arc::clone(&self.piece), range })
    }

    /// All records as frames, in a reader's format.
    #[must_use]
    pub fn frames_as(&self, format: Format) -> Bytes {
        match format {
            Format::Event => self.frames.clone(),
            Format::Record => {
                let mut out = Vec::with_capacity(self.frames.len() * 2);
                self.records().for_each(|record| record.write_frame(&mut out, format));
                out.into()
            }
        }
    }
}

/// One record of a [`Chunk`]; nothing is parsed until it is asked for.
#[derive(Debug, Clone, Copy)]
pub struct RecordRef<'a> {
    piece: &'a Piece,
    index: usize,
}

impl<'a> RecordRef<'a> {
    /// Its number.
    #[must_use]
    pub fn seq(&self) -> Seq {
        self.piece.first + self.index as Seq
    }

    /// The run it belongs to.
    #[must_use]
    pub fn run_id(&self) -> &'a Id {
        &self.piece.origin(self.index).run_id
    }

    /// When it was appended, in milliseconds since the Unix epoch.
    #[must_use]
    pub fn at(&self) -> i64 {
        self.piece.origin(self.index).at
    }

    /// The event's JSON, one line.
    #[must_use]
    pub fn event_json(&self) -> &'a [u8] {
        self.piece.frame(self.index).1
    }

    /// The SSE frame.
    #[must_use]
    pub fn frame(&self) -> &'a [u8] {
        self.piece.frame(self.index).0
    }

    /// The event's kind, such as `TEXT_MESSAGE_CONTENT`, without parsing the event.
    #[must_use]
    pub fn kind(&self) -> &'a str {
        kind_of(self.event_json())
    }

    /// Whether the event ends its run.
    #[must_use]
    pub fn is_terminal(&self) -> bool {
        matches!(self.kind(), "RUN_FINISHED" | "RUN_ERROR")
    }

    /// Parses the event. Fails only if the event was written by a version that knows more kinds.
    pub fn event(&self) -> serde_json::Result<Event> {
        serde_json::from_slice(self.event_json())
    }

    /// The whole record, parsed. Fails as [`Self::event`].
    pub fn record(&self) -> serde_json::Result<Record> {
        let event = self.event()?;
        Ok(Record { seq: self.seq(), run_id: self.run_id().clone(), at: self.at(), event })
    }

    /// Appends the record's JSON object to a buffer, as it is on disk but without the newline.
    pub fn write_json(&self, buffer: &mut Vec<u8>) {
        // Numbers and text into a Vec: neither can fail.
        buffer.extend_from_slice(b"{\"seq\":");
        let _ = serde_json::to_writer(&mut *buffer, &self.seq());
        buffer.extend_from_slice(b",\"runId\":");
        let _ = serde_json::to_writer(&mut *buffer, self.run_id());
        buffer.extend_from_slice(b",\"at\":");
        let _ = serde_json::to_writer(&mut *buffer, &self.at());
        buffer.extend_from_slice(b",\"event\":");
        buffer.extend_from_slice(self.event_json());
        buffer.push(b'}');
    }

    /// Appends the record's frame, in a reader's format.
    pub fn write_frame(&self, buffer: &mut Vec<u8>, format: Format) {
        match format {
            Format::Event => buffer.extend_from_slice(self.frame()),
            Format::Record => {
                let mut line = Vec::with_capacity(self.event_json().len() + RECORD);
                self.write_json(&mut line);
                sse::write_frame(buffer, self.seq(), &line);
            }
        }
    }
}
