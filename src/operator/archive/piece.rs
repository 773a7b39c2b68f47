//! Records on their way into an object. Pure.

use crate::{
    agui::Id,
    eventlog::{RecordRef, Seq},
};

/// The bytes after which a piece is whole.
const WHOLE: usize = 256 * 1024;

/// The records of one object.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Piece {
    /// The number of its first record.
    pub(super) first: Seq,
    /// That of its last one.
    pub(super) last: Seq,
    /// The lines.
    pub(super) lines: Vec<u8>,
    has_end: bool,
}

impl Piece {
    /// Adds the record that comes next.
    pub(super) fn push(&mut self, thread: &Id, record: &RecordRef<'_>) {
        if self.lines.is_empty() {
            self.first = record.seq();
        }
        self.last = record.seq();
        self.has_end |= record.is_terminal();
        write(thread, record, &mut self.lines);
    }

    /// Whether nothing waits.
    pub(super) fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// Whether it must not wait for more: it is large, or somebody waits for the end of a run.
    pub(super) fn is_whole(&self) -> bool {
        self.has_end || self.lines.len() >= WHOLE
    }
}

/// The line of a record, as a runner's tail has it.
fn write(thread: &Id, record: &RecordRef<'_>, lines: &mut Vec<u8>) {
    lines.extend_from_slice(b"{\"thread\":");
    // Text into a Vec cannot fail.
    let _ = serde_json::to_writer(&mut *lines, thread);
    let begin = lines.len();
    record.write_json(lines);
    // The record's own object goes on in this one.
    lines[begin] = b',';
    lines.push(b'\n');
}
