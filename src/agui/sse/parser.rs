//! An incremental parser of event streams, for clients and tests.

use memchr::memchr2;

/// How long a frame may be, as in the official client; a server that never ends a frame must not fill our memory.
pub const MAX_FRAME_BYTES: usize = 10 * 1024 * 1024;

const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// One event of a stream.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Frame {
    /// The last event id the stream has named, up to and including this frame: what `Last-Event-ID` takes.
    pub id: Option<String>,
    /// The event's name; AG-UI uses none.
    pub event: Option<String>,
    /// The data, its lines joined by newlines.
    pub data: Vec<u8>,
}

/// The stream is not usable any more: a frame exceeds [`MAX_FRAME_BYTES`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a frame of the event stream exceeds {MAX_FRAME_BYTES} bytes; reconnect after the last id")]
pub struct FrameTooLong;

/// Turns chunks of a byte stream, cut anywhere, into frames. Takes LF, CRLF and CR, comments, and data of several lines.
#[derive(Debug, Default)]
pub struct Parser {
    line: Vec<u8>,
    frame: Frame,
    has_data: bool,
    after_cr: bool,
    after_first_line: bool,
}

impl Parser {
    /// A parser at the start of a stream.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next bytes of the stream and appends the frames that they complete to `frames`.
    ///
    /// A frame that the stream's end cuts off is never reported, as the format demands.
    pub fn push(&mut self, mut chunk: &[u8], frames: &mut Vec<Frame>) -> Result<(), FrameTooLong> {
        if self.after_cr && !chunk.is_empty() {
            self.after_cr = false;
            chunk = chunk.strip_prefix(b"\n").unwrap_or(chunk);
        }
        while let Some(end) = memchr2(b'\n', b'\r', chunk) {
            self.extend_line(&chunk[..end])?;
            frames.extend(self.end_line());
            chunk = self.after_line_end(&chunk[end..]);
        }
        self.extend_line(chunk)
    }

    /// What follows the line end that `rest` starts with. The LF of a CRLF may still be on its way.
    fn after_line_end<'a>(&mut self, rest: &'a [u8]) -> &'a [u8] {
        match rest {
            [b'\r'] => {
                self.after_cr = true;
                &[]
            }
            [b'\r', b'\n', rest @ ..] | [_, rest @ ..] => rest,
            [] => &[],
        }
    }

    fn extend_line(&mut self, bytes: &[u8]) -> Result<(), FrameTooLong> {
        if self.frame.data.len() + self.line.len() + bytes.len() > MAX_FRAME_BYTES {
            return Err(FrameTooLong);
        }
        self.line.extend_from_slice(bytes);
        Ok(())
    }

    fn end_line(&mut self) -> Option<Frame> {
        let mut line = std::mem::take(&mut self.line);
        let text = self.without_byte_order_mark(&line);
        if text.is_empty() {
            return self.end_frame();
        }
        self.take_field(text);
        line.clear();
        self.line = line; // its memory is used again
        None
    }

    fn without_byte_order_mark<'a>(&mut self, line: &'a [u8]) -> &'a [u8] {
        let is_first = !std::mem::replace(&mut self.after_first_line, true);
        let stripped = line.strip_prefix(BYTE_ORDER_MARK).filter(|_| is_first);
        stripped.unwrap_or(line)
    }

    fn take_field(&mut self, line: &[u8]) {
        let (name, value) = match line.iter().position(|&byte| byte == b':') {
            Some(colon) => (&line[..colon], &line[colon + 1..]),
            None => (line, &[][..]),
        };
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match name {
            b"data" => self.take_data(value),
            b"id" if !value.contains(&0) => self.frame.id = Some(lossy(value)),
            b"event" => self.frame.event = Some(lossy(value)),
            _ => {} // a comment, or a field without a meaning here
        }
    }

    fn take_data(&mut self, value: &[u8]) {
        if self.has_data {
            self.frame.data.push(b'\n');
        }
        self.frame.data.extend_from_slice(value);
        self.has_data = true;
    }

    fn end_frame(&mut self) -> Option<Frame> {
        let next = Frame { id: self.frame.id.clone(), ..Frame::default() };
        let frame = std::mem::replace(&mut self.frame, next);
        std::mem::take(&mut self.has_data).then_some(frame)
    }
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
