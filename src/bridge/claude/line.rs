//! Whole lines out of a byte stream: any length, many per wakeup, each byte looked at once.

use std::io;

use memchr::memchr;
use tokio::io::{AsyncRead, AsyncReadExt};

/// How much room a read gets at least.
const CHUNK: usize = 64 * 1024;

/// Splits a stream into lines. Memory follows the longest line that is in the buffer, and shrinks again after it.
pub(crate) struct Lines<R> {
    source: R,
    buffer: Vec<u8>,
    /// Where the first line that was not handed out begins.
    start: usize,
    /// Up to where no line end is left to find.
    scanned: usize,
}

impl<R: AsyncRead + Unpin> Lines<R> {
    pub(crate) fn new(source: R) -> Self {
        Self { source, buffer: Vec::new(), start: 0, scanned: 0 }
    }

    /// The next whole line that has been read already, without its line end.
    pub(crate) fn buffered(&mut self) -> Option<&[u8]> {
        let Some(found) = memchr(b'\n', &self.buffer[self.scanned..]) else {
            self.scanned = self.buffer.len();
            return None;
        };
        let end = self.scanned + found;
        let start = std::mem::replace(&mut self.start, end + 1);
        self.scanned = end + 1;
        Some(trimmed(&self.buffer[start..end]))
    }

    /// Reads more; false at the end of the stream. May be dropped and called again without losing bytes.
    pub(crate) async fn fill(&mut self) -> io::Result<bool> {
        self.make_room();
        Ok(self.source.read_buf(&mut self.buffer).await? > 0)
    }

    /// What the stream ended with, when its last line has no line end.
    pub(crate) fn rest(&mut self) -> Option<&[u8]> {
        let start = std::mem::replace(&mut self.start, self.buffer.len());
        self.scanned = self.buffer.len();
        let rest = trimmed(&self.buffer[start..]);
        (!rest.is_empty()).then_some(rest)
    }

    /// Drops the lines that were handed out. What is left of a long line moves at most once, since it then is at the front.
    fn make_room(&mut self) {
        if self.start > 0 {
            self.buffer.drain(..self.start);
            self.scanned -= self.start;
            self.start = 0;
        }
        if self.buffer.is_empty() && self.buffer.capacity() > 4 * CHUNK {
            self.buffer = Vec::new();
        }
        if self.buffer.capacity() - self.buffer.len() < CHUNK / 4 {
            self.buffer.reserve(CHUNK);
        }
    }
}

fn trimmed(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r").unwrap_or(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn split(input: &[u8]) -> Vec<String> {
        let mut lines = Lines::new(input);
        let mut all = Vec::new();
        loop {
            while let Some(line) = lines.buffered() {
                all.push(String::from_utf8_lossy(line).into_owned());
            }
            if !lines.fill().await.unwrap() {
                break;
            }
        }
        all.extend(lines.rest().map(|line| String::from_utf8_lossy(line).into_owned()));
        all
    }

    #[tokio::test]
    async fn lines_come_out_whole_however_they_were_written() {
        assert_eq!(split(b"a\nbc\r\n\nlast").await, ["a", "bc", "", "last"]);
        assert_eq!(split(b"").await, Vec::<String>::new());
    }

    #[tokio::test]
    async fn a_line_of_many_megabytes_comes_out_whole_and_its_memory_goes_back() {
        let long = "x".repeat(5 << 20);
        let input = format!("{long}\nshort\n");
        let mut lines = Lines::new(input.as_bytes());
        let mut lengths = Vec::new();
        while lines.fill().await.unwrap() {
            while let Some(line) = lines.buffered() {
                lengths.push(line.len());
            }
        }
        assert_eq!(lengths, [long.len(), 5]);
        assert!(lines.buffer.capacity() <= 4 * CHUNK, "{} bytes are still held", lines.buffer.capacity());
    }
}
