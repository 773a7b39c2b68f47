//! SSE frames out of the pieces of a body, each with its number checked.

use memchr::memmem;

use crate::Result;

/// Cuts a stream into frames. Every event's number must follow the one before.
#[derive(Debug, Default)]
pub(crate) struct Frames {
    /// The beginning of a frame whose end has not come.
    rest: Vec<u8>,
    /// The last number; 0 before the first event.
    pub(crate) last: u64,
    /// How many events there were.
    pub(crate) count: u64,
}

impl Frames {
    /// Frames after an event.
    pub(crate) fn after(last: u64) -> Self {
        Self { last, ..Self::default() }
    }

    /// Calls `each` with the JSON of every event that is complete now.
    pub(crate) fn feed(&mut self, piece: &[u8], mut each: impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
        let mut held = std::mem::take(&mut self.rest);
        let mut bytes = piece;
        if !held.is_empty() {
            held.extend_from_slice(piece);
            bytes = &held;
        }
        while let Some(end) = memmem::find(bytes, b"\n\n") {
            self.frame(&bytes[..end], &mut each)?;
            bytes = &bytes[end + 2..];
        }
        self.rest = bytes.to_vec();
        Ok(())
    }

    fn frame(&mut self, frame: &[u8], each: &mut impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
        if frame.first() == Some(&b':') {
            return Ok(());
        }
        let unexpected = || format!("not an event: {}", String::from_utf8_lossy(frame));
        let numbered = frame.strip_prefix(b"id: ").ok_or_else(unexpected)?;
        let end = memchr::memchr(b'\n', numbered).ok_or_else(unexpected)?;
        let id: u64 = str::from_utf8(&numbered[..end])?.parse()?;
        if self.last > 0 && id != self.last + 1 {
            return Err(format!("after event {} came {id}", self.last).into());
        }
        self.last = id;
        self.count += 1;
        each(numbered[end + 1..].strip_prefix(b"data: ").ok_or_else(unexpected)?)
    }
}

/// Whether an event is of this type.
pub(crate) fn is(event: &[u8], kind: &str) -> bool {
    event.strip_prefix(b"{\"type\":\"").is_some_and(|rest| rest.starts_with(kind.as_bytes()))
}
