//! The lines of a tail. Pure.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::{
    agui::{Event, EventKind, Id},
    eventlog::{Record, Seq},
};

/// A line longer than this is no record: an event is smaller by far.
const MAX_LINE: usize = 64 * 1024 * 1024;

/// What a runner said that cannot be kept as it is. Nothing after it is taken, so nothing of it is acknowledged.
#[derive(Debug, thiserror::Error)]
pub(in crate::operator) enum LineError {
    #[error("the runner's log has a line that is no record ({0}); is its version the operator's?")]
    NoRecord(#[from] serde_json::Error),
    #[error("the runner's log has a line of more than {MAX_LINE} bytes")]
    TooLong,
}

/// A record of a thread.
#[derive(Debug)]
pub(in crate::operator) struct Line {
    pub(in crate::operator) thread: Id,
    pub(in crate::operator) record: Record,
}

/// As it is written.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Written<'a> {
    thread: Id,
    seq: Seq,
    run_id: Id,
    at: i64,
    #[serde(borrow)]
    event: &'a RawValue,
}

/// Lines out of pieces of any size.
#[derive(Debug, Default)]
pub(in crate::operator) struct Lines {
    begun: Vec<u8>,
}

impl Lines {
    /// The next record that a piece completes, and the rest of the piece; none when all of it is read. Empty lines only say
    /// that the runner lives.
    pub(in crate::operator) fn next(&mut self, piece: &mut &[u8]) -> Result<Option<Line>, LineError> {
        while let Some(end) = memchr::memchr(b'\n', piece) {
            let (line, rest) = (&piece[..end], &piece[end + 1..]);
            *piece = rest;
            let whole = std::mem::take(&mut self.begun);
            let parsed = if whole.is_empty() { parse(line) } else { parse(&[&whole, line].concat()) };
            if let Some(line) = parsed? {
                return Ok(Some(line));
            }
        }
        if self.begun.len() + piece.len() > MAX_LINE {
            return Err(LineError::TooLong);
        }
        self.begun.extend_from_slice(std::mem::take(piece));
        Ok(None)
    }
}

fn parse(line: &[u8]) -> Result<Option<Line>, LineError> {
    if line.trim_ascii().is_empty() {
        return Ok(None);
    }
    let Written { thread, seq, run_id, at, event } = serde_json::from_slice(line)?;
    Ok(Some(Line { thread, record: Record { seq, run_id, at, event: known(event)? } }))
}

/// The event; one of a kind that only a later version knows is kept as `RAW`.
fn known(event: &RawValue) -> Result<Event, LineError> {
    match serde_json::from_str(event.get()) {
        Ok(event) => Ok(event),
        Err(_) => Ok(EventKind::Raw { event: serde_json::from_str(event.get())?, source: None }.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(pieces: &[&[u8]]) -> Result<Vec<(String, Seq, Event)>, LineError> {
        let (mut lines, mut all) = (Lines::default(), Vec::new());
        for mut piece in pieces.iter().copied() {
            while let Some(Line { thread, record }) = lines.next(&mut piece)? {
                all.push((thread.to_string(), record.seq, record.event));
            }
        }
        Ok(all)
    }

    const TWO: &str = concat!(
        r#"{"thread":"t","seq":1,"runId":"r","at":5,"event":{"type":"CUSTOM","name":"x","value":1}}"#,
        "\n\n",
        r#"{"thread":"t","seq":2,"runId":"r","at":5,"event":{"type":"OF_TOMORROW","much":["more"]}}"#,
        "\n"
    );

    #[test]
    fn records_come_out_of_pieces_cut_anywhere_and_unknown_kinds_are_kept() {
        let whole = all(&[TWO.as_bytes()]).unwrap();
        assert_eq!(
            whole.iter().map(|(thread, seq, _)| (thread.as_str(), *seq)).collect::<Vec<_>>(),
            [("t", 1), ("t", 2)]
        );
        let EventKind::Raw { event, .. } = &whole[1].2.kind else { panic!("{whole:?}") };
        assert_eq!(event["much"][0], "more");
        for cut in 0..TWO.len() {
            let (one, two) = TWO.as_bytes().split_at(cut);
            assert_eq!(all(&[one, two]).unwrap(), whole, "cut at {cut}");
        }
    }

    #[test]
    fn what_is_no_record_is_an_error_and_never_passed_over() {
        assert!(matches!(all(&[b"{\"thread\":\"t\"}\n"]), Err(LineError::NoRecord(_))));
        assert!(matches!(all(&[&vec![b'x'; MAX_LINE], b"y"]), Err(LineError::TooLong)));
    }
}
