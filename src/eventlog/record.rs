//! One record and its line on disk.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::agui::{Event, Id};

/// The number of a record in its thread: the first is 1, it grows and never repeats.
pub type Seq = u64;

/// One event of a run, as it is on disk and in `?format=record`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    /// Its number in the thread.
    pub seq: Seq,
    /// The run it belongs to.
    pub run_id: Id,
    /// When it was appended, in milliseconds since the Unix epoch.
    pub at: i64,
    /// The event.
    pub event: Event,
}

/// What a line says without parsing the event.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Line<'a> {
    pub(super) seq: Seq,
    /// The run's id as a JSON string, with its quotes.
    pub(super) run: &'a [u8],
    pub(super) at: i64,
    pub(super) event: &'a [u8],
}

/// Reads a line (without its newline) in exactly the form that [`super::encode`] writes. `None` for anything else; only
/// the event's inside is not checked, except that it has no control characters (a block that was lost reads as zeros).
pub(super) fn parse_line(line: &[u8]) -> Option<Line<'_>> {
    if line.iter().any(|byte| *byte < b' ') {
        return None;
    }
    let (seq, rest) = number(line.strip_prefix(b"{\"seq\":")?)?;
    let (run, rest) = string(rest.strip_prefix(b",\"runId\":")?)?;
    let (at, rest) = number(rest.strip_prefix(b",\"at\":")?)?;
    let event = rest.strip_prefix(b",\"event\":")?.strip_suffix(b"}")?;
    let object = event.first() == Some(&b'{') && event.last() == Some(&b'}');
    object.then_some(Line { seq, run, at, event })
}

fn number<N: std::str::FromStr>(text: &[u8]) -> Option<(N, &[u8])> {
    let end = text.iter().position(|byte| !byte.is_ascii_digit() && *byte != b'-')?;
    let digits = str::from_utf8(&text[..end]).ok()?;
    Some((digits.parse().ok()?, &text[end..]))
}

fn string(text: &[u8]) -> Option<(&[u8], &[u8])> {
    if text.first() != Some(&b'"') {
        return None;
    }
    let mut at = 1;
    loop {
        match text.get(at)? {
            b'"' => return Some(text.split_at(at + 1)),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}

/// The id that a JSON string spells.
pub(super) fn unquote(run: &[u8]) -> Option<Id> {
    serde_json::from_slice(run).ok()
}

/// The kind of an event from its JSON, such as `TEXT_MESSAGE_CONTENT`; empty if it has none.
///
/// Our serialiser writes `type` first, so that this looks at a few bytes; any other order costs a parse.
pub(super) fn kind_of(event: &[u8]) -> &str {
    event
        .strip_prefix(b"{\"type\":\"")
        .and_then(|rest| rest.split(|byte| *byte == b'"').next())
        .and_then(|kind| str::from_utf8(kind).ok())
        .unwrap_or_else(|| slow_kind_of(event))
}

fn slow_kind_of(event: &[u8]) -> &str {
    #[derive(Deserialize)]
    struct Kind<'a> {
        #[serde(rename = "type")]
        kind: &'a str,
    }
    serde_json::from_slice::<Kind<'_>>(event).map_or("", |kind| kind.kind)
}

/// Where the event is in a frame `id: <seq>\ndata: <event>\n\n`.
pub(super) fn event_in_frame(seq: Seq, frame: Range<usize>) -> Range<usize> {
    let behind = b"\n\n".len();
    frame.start + frame_overhead(seq) - behind..frame.end - behind
}

/// How much longer a frame is than its event.
pub(super) fn frame_overhead(seq: Seq) -> usize {
    let digits = seq.checked_ilog10().map_or(1, |log| log as usize + 1);
    b"id: \ndata: \n\n".len() + digits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_read_in_the_form_it_is_written() {
        let text = br#"{"seq":12,"runId":"a\"b","at":-5,"event":{"type":"RAW","event":{"x":1}}}"#;
        let line = parse_line(text).unwrap();
        assert_eq!((line.seq, line.at), (12, -5));
        assert_eq!(unquote(line.run).unwrap(), Id::from("a\"b"));
        assert_eq!(kind_of(line.event), "RAW");
    }

    #[test]
    fn a_line_with_anything_missing_or_zeroed_is_none() {
        let text = br#"{"seq":12,"runId":"r","at":5,"event":{"type":"RAW","event":"x"}}"#;
        for cut in 0..text.len() {
            assert_eq!(parse_line(&text[..cut]), None, "cut at {cut}");
            let mut zeroed = text.to_vec();
            zeroed[cut] = 0;
            assert_eq!(parse_line(&zeroed), None, "zero at {cut}");
        }
    }

    #[test]
    fn the_kind_is_found_wherever_it_stands() {
        assert_eq!(kind_of(br#"{"timestamp":1,"type":"RAW"}"#), "RAW");
        assert_eq!(kind_of(br#"{"timestamp":1}"#), "");
    }
}
