//! Reading lines of a segment file, in pieces of bounded size.

use std::io;

use serde::de::IgnoredAny;

use crate::agui::Id;

use super::{
    LogFile, RunSpan, Seq,
    record::{Line, kind_of, parse_line, unquote},
    segment::Segment,
    storage::read_full_at,
};

/// Bytes that a scan takes from a file at once.
const PIECE: usize = 256 << 10;

/// How a file ends after its last whole record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tail {
    /// With it.
    Whole,
    /// With bytes that are no record; `more` if whole later records follow them.
    Torn { more: bool },
    /// Before bytes that were synced.
    Missing,
}

/// Reads whole lines from `offset`, about `piece` bytes but at least one line; the buffer is emptied first and holds only
/// whole lines afterwards. Nothing at or after `limit` is read. Empty if there is no newline.
pub(super) fn read_lines(
    file: &dyn LogFile,
    offset: u64,
    limit: u64,
    piece: usize,
    buffer: &mut Vec<u8>,
) -> io::Result<()> {
    buffer.clear();
    let available = usize::try_from(limit.saturating_sub(offset)).unwrap_or(usize::MAX);
    let mut wanted = piece.min(available);
    loop {
        let have = buffer.len();
        buffer.resize(wanted, 0);
        let read = read_full_at(file, &mut buffer[have..], offset + have as u64)?;
        buffer.truncate(have + read);
        if let Some(end) = memchr::memrchr(b'\n', &buffer[have..]) {
            buffer.truncate(have + end + 1);
            return Ok(());
        }
        if wanted >= available || buffer.len() < wanted {
            buffer.clear();
            return Ok(());
        }
        wanted = wanted.saturating_mul(2).min(available);
    }
}

/// Adds to `segment` every whole record of its file from `segment.bytes` on, and tells what comes after the last.
pub(super) fn scan(file: &dyn LogFile, segment: &mut Segment) -> io::Result<Tail> {
    let length = file.length()?;
    if length < segment.bytes {
        return Ok(Tail::Missing);
    }
    let mut buffer = Vec::new();
    let mut run = None;
    while segment.bytes < length {
        read_lines(file, segment.bytes, length, PIECE, &mut buffer)?;
        if !take_records(&buffer, segment, &mut run) {
            let more = has_record_after(file, segment, length)?;
            return Ok(Tail::Torn { more });
        }
    }
    Ok(Tail::Whole)
}

/// Adds whole lines; false at the first that is no record, or if there are none.
fn take_records(lines: &[u8], segment: &mut Segment, run: &mut Option<Named>) -> bool {
    let mut start = 0;
    for end in memchr::memchr_iter(b'\n', lines) {
        let Some(line) = valid(&lines[start..end]).filter(|line| line.seq == segment.next) else {
            return false;
        };
        let Some(id) = Named::of(run, line.run) else {
            return false;
        };
        segment.grow(&span_of(&line, id), (end + 1 - start) as u64);
        start = end + 1;
    }
    start > 0
}

/// A line whose event is JSON too.
fn valid(line: &[u8]) -> Option<Line<'_>> {
    let text = str::from_utf8(line).ok()?;
    serde_json::from_str::<IgnoredAny>(text).ok()?;
    parse_line(line)
}

fn span_of(line: &Line<'_>, run_id: Id) -> RunSpan {
    let kind = kind_of(line.event);
    RunSpan {
        run_id,
        first: line.seq,
        last: line.seq,
        started: kind == "RUN_STARTED",
        ended: matches!(kind, "RUN_FINISHED" | "RUN_ERROR"),
    }
}

/// The id of the last line: consecutive lines of a run share it.
#[derive(Debug)]
pub(super) struct Named {
    quoted: Vec<u8>,
    id: Id,
}

impl Named {
    /// The id that a JSON string spells, remembered in `last`.
    pub(super) fn of(last: &mut Option<Self>, quoted: &[u8]) -> Option<Id> {
        match last {
            Some(named) if named.quoted == quoted => Some(named.id.clone()),
            Some(_) | None => {
                let id = unquote(quoted)?;
                *last = Some(Self { quoted: quoted.to_vec(), id: id.clone() });
                Some(id)
            }
        }
    }
}

/// Whether a later record stands whole behind the first bytes that are none.
fn has_record_after(file: &dyn LogFile, segment: &Segment, length: u64) -> io::Result<bool> {
    let mut buffer = Vec::new();
    let mut offset = segment.bytes;
    loop {
        read_lines(file, offset, length, PIECE, &mut buffer)?;
        if buffer.is_empty() {
            return Ok(false);
        }
        let later = |line: &[u8]| valid(line).is_some_and(|line| line.seq > segment.next);
        if buffer.split(|byte| *byte == b'\n').any(later) {
            return Ok(true);
        }
        offset += buffer.len() as u64;
    }
}

/// Splits whole lines into records numbered from `next` on, each with the index of its first byte. `Err` holds that index
/// where a line is no such record.
pub(super) fn records(lines: &[u8], mut next: Seq) -> impl Iterator<Item = Result<(usize, Line<'_>), usize>> {
    let mut start = 0;
    memchr::memchr_iter(b'\n', lines).map(move |end| {
        let begin = start;
        let line = parse_line(&lines[begin..end]).filter(|line| line.seq == next);
        start = end + 1;
        next += 1;
        line.map(|line| (begin, line)).ok_or(begin)
    })
}
