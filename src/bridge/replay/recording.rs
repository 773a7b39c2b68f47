//! The lines of a recording.

use std::{ops::Range, time::Duration};

use crate::bridge::claude::record::Recorded;

/// A recording in memory.
pub(super) struct Recording {
    text: Vec<u8>,
    lines: Vec<(Duration, Range<usize>)>,
}

impl Recording {
    /// Reads a recording; the error names the first line that is none.
    pub(super) fn parse(text: Vec<u8>) -> Result<Self, String> {
        let mut lines = Vec::new();
        let mut start = 0;
        for (number, record) in text.split(|byte| *byte == b'\n').enumerate() {
            let at = start;
            start += record.len() + 1;
            if record.trim_ascii().is_empty() {
                continue;
            }
            let recorded: Recorded<'_> =
                serde_json::from_slice(record).map_err(|error| format!("line {}: {error}", number + 1))?;
            let line = recorded.line.get();
            // A raw value is a part of the text it was read from.
            let offset = at + (line.as_ptr() as usize - record.as_ptr() as usize);
            lines.push((Duration::from_millis(recorded.at_ms), offset..offset + line.len()));
        }
        Ok(Self { text, lines })
    }

    /// When a line came.
    pub(super) fn at(&self, index: usize) -> Option<Duration> {
        self.lines.get(index).map(|(at, _)| *at)
    }

    /// A line, and when it came.
    pub(super) fn line(&self, index: usize) -> Option<(Duration, &[u8])> {
        let (at, range) = self.lines.get(index)?;
        Some((*at, self.text.get(range.clone())?))
    }
}
