//! What readers may see, under one short lock.

use super::{Chunk, LogError, RunSpan, Seq, ring::Ring, runs::Runs, segment::Position, segment::Segment};

/// The log as readers see it: only whole batches that are in the file.
#[derive(Debug)]
pub(super) struct Published {
    /// The last number that was handed out or left out.
    pub(super) last: Seq,
    pub(super) ring: Ring,
    /// All segments, oldest first; the last may be empty.
    pub(super) segments: Vec<Segment>,
    /// The last record that was trimmed; 0 if none was.
    pub(super) trimmed: Seq,
    pub(super) runs: Runs,
    /// Why nothing follows, once that is so.
    pub(super) stopped: Option<LogError>,
}

/// Where a reader finds what comes after its cursor.
#[derive(Debug)]
pub(super) enum Next {
    /// Nothing yet.
    Wait,
    /// Here.
    Ready(Chunk),
    /// In a file.
    OnDisk(Place),
}

/// A place in a segment file at or before the record a reader wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    /// The segment.
    pub(super) segment: Seq,
    /// A record's beginning.
    pub(super) position: Position,
    /// Where whole records end in the file.
    pub(super) limit: u64,
}

impl Published {
    /// What comes after `cursor`; `hint` is where the reader stopped last time, to spare it the search.
    pub(super) fn after(&self, cursor: Seq, hint: Option<Place>) -> Result<Next, LogError> {
        if cursor > self.last {
            return Err(LogError::BeyondEnd { after: cursor, last: self.last });
        }
        if self.ring.covers(cursor) {
            return self.ring.after(cursor).map_or_else(|| self.nothing(), |c| Ok(Next::Ready(c)));
        }
        if cursor < self.trimmed {
            return Err(LogError::Gap { after: cursor, first: self.first() });
        }
        let index = self.segments.partition_point(|segment| segment.next <= cursor + 1);
        let segment = self.segments[index..].iter().find(|segment| !segment.is_empty());
        segment.map_or_else(|| self.nothing(), |segment| Ok(Next::OnDisk(place(segment, cursor, hint))))
    }

    /// The first record that can be read; the next one's number if there is none.
    pub(super) fn first(&self) -> Seq {
        let first = self.segments.iter().find(|segment| !segment.is_empty());
        first.map_or(self.last + 1, |segment| segment.first)
    }

    fn nothing(&self) -> Result<Next, LogError> {
        self.stopped.clone().map_or(Ok(Next::Wait), Err)
    }

    /// Adds records that are in the last segment's file.
    pub(super) fn grow(&mut self, span: &RunSpan, bytes: u64) {
        self.runs.note(span);
        self.last = span.last;
        if let Some(segment) = self.segments.last_mut() {
            segment.grow(span, bytes);
        }
    }
}

fn place(segment: &Segment, cursor: Seq, hint: Option<Place>) -> Place {
    let fits = |hint: &Place| hint.segment == segment.first && hint.position.seq == cursor + 1;
    let position = hint.filter(fits).map_or_else(|| segment.position(cursor + 1), |hint| hint.position);
    Place { segment: segment.first, position, limit: segment.bytes }
}
