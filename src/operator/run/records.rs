//! Records out of the pieces of an SSE stream.

use crate::eventlog::Record;

/// A line longer than this is no record: an event is smaller by far.
const MAX_LINE: usize = 64 * 1024 * 1024;

/// The part of a line that has come so far.
#[derive(Debug, Default)]
pub(in crate::operator) struct Records {
    line: Vec<u8>,
}

impl Records {
    /// The records that a piece completes. Comments, ids and what is no record are passed over.
    pub(in crate::operator) fn feed(&mut self, piece: &[u8]) -> Vec<Record> {
        let mut records = Vec::new();
        let mut rest = piece;
        while let Some(end) = memchr::memchr(b'\n', rest) {
            self.line.extend_from_slice(&rest[..end]);
            records.extend(record(&self.line));
            self.line.clear();
            rest = &rest[end + 1..];
        }
        if self.line.len() + rest.len() <= MAX_LINE {
            self.line.extend_from_slice(rest);
        }
        records
    }
}

fn record(line: &[u8]) -> Option<Record> {
    let data = line.strip_prefix(b"data:")?;
    serde_json::from_slice(data.trim_ascii()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const STREAM: &str = ": beat\n\nid: 1\ndata: {\"seq\":1,\"runId\":\"r\",\"at\":5,\"event\":{\"type\":\"RUN_STARTED\",\
                          \"threadId\":\"t\",\"runId\":\"r\"}}\n\ndata: nonsense\n\nid: 2\ndata: {\"seq\":2,\"runId\":\"r\",\
                          \"at\":6,\"event\":{\"type\":\"RUN_FINISHED\",\"threadId\":\"t\",\"runId\":\"r\"}}\n\n";

    #[test]
    fn records_are_the_same_however_the_stream_is_cut() {
        for size in 1..STREAM.len() {
            let mut records = Records::default();
            let seqs: Vec<u64> =
                STREAM.as_bytes().chunks(size).flat_map(|piece| records.feed(piece)).map(|record| record.seq).collect();
            assert_eq!(seqs, [1, 2], "pieces of {size}");
        }
    }
}
