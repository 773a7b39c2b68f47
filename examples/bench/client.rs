//! As much of an HTTP/1.1 client as measuring needs, on a blocking socket.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use memchr::memmem;

use crate::Result;

/// No measurement waits longer for a byte.
const PATIENCE: Duration = Duration::from_mins(2);

/// A kept connection.
pub(crate) struct Client {
    stream: TcpStream,
    /// What was read and not taken.
    buffer: Vec<u8>,
    taken: usize,
    /// What is left of the current chunk of the body.
    chunk: usize,
    /// The body has begun, so a line end stands before the next chunk.
    in_body: bool,
}

impl Client {
    pub(crate) fn connect(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Self { stream, buffer: Vec::with_capacity(16 * 1024), taken: 0, chunk: 0, in_body: false })
    }

    /// Sends a request; answers that are not 200 are errors.
    pub(crate) fn get(&mut self, path: &str) -> Result<()> {
        self.request(&format!("GET {path} HTTP/1.1\r\nhost: bench\r\n\r\n")).map(drop)
    }

    /// The same with a JSON body.
    pub(crate) fn post(&mut self, path: &str, body: &str) -> Result<()> {
        self.request(&with_body(path, body)).map(drop)
    }

    /// Sends a request and reads the whole answer, which says how long it is.
    pub(crate) fn fetch(&mut self, path: &str) -> Result<()> {
        let head = self.request(&format!("GET {path} HTTP/1.1\r\nhost: bench\r\n\r\n"))?;
        self.skip(&head)
    }

    /// The same with a JSON body.
    pub(crate) fn send(&mut self, path: &str, body: &str) -> Result<()> {
        let head = self.request(&with_body(path, body))?;
        self.skip(&head)
    }

    fn skip(&mut self, head: &str) -> Result<()> {
        let length =
            |line: &str| -> Option<usize> { line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok() };
        let unknown = || format!("the answer does not say how long it is: {head}");
        let end = self.taken + head.lines().find_map(length).ok_or_else(unknown)?;
        while self.buffer.len() < end {
            self.read()?;
        }
        self.taken = end;
        Ok(())
    }

    /// Returns the answer's head.
    fn request(&mut self, text: &str) -> Result<String> {
        self.stream.write_all(text.as_bytes())?;
        let head = self.until(b"\r\n\r\n")?;
        if head.starts_with("HTTP/1.1 200 ") {
            self.chunk = 0;
            self.in_body = false;
            return Ok(head);
        }
        Err(format!("unexpected answer: {head}").into())
    }

    /// The next bytes of a chunked body; `None` after its end.
    pub(crate) fn body(&mut self) -> Result<Option<&[u8]>> {
        if self.chunk == 0 && !self.next_chunk()? {
            return Ok(None);
        }
        if self.taken == self.buffer.len() {
            self.fill()?;
        }
        let end = self.buffer.len().min(self.taken + self.chunk);
        let start = std::mem::replace(&mut self.taken, end);
        self.chunk -= end - start;
        Ok(Some(&self.buffer[start..end]))
    }

    /// Reads the head of the next chunk; false when it is the body's end.
    fn next_chunk(&mut self) -> Result<bool> {
        if std::mem::replace(&mut self.in_body, true) {
            self.until(b"\r\n")?;
        }
        self.chunk = usize::from_str_radix(&self.until(b"\r\n")?, 16)?;
        if self.chunk == 0 {
            self.until(b"\r\n")?;
        }
        Ok(self.chunk > 0)
    }

    fn until(&mut self, end: &[u8]) -> Result<String> {
        loop {
            let text = &self.buffer[self.taken..];
            if let Some(found) = memmem::find(text, end) {
                let text = String::from_utf8_lossy(&text[..found]).into_owned();
                self.taken += found + end.len();
                return Ok(text);
            }
            self.fill()?;
        }
    }

    /// Forgets what was taken, and reads more.
    fn fill(&mut self) -> Result<()> {
        self.buffer.drain(..self.taken);
        self.taken = 0;
        self.read()
    }

    fn read(&mut self) -> Result<()> {
        let mut piece = [0; 16 * 1024];
        match self.stream.read(&mut piece)? {
            0 => Err("the runner closed the connection".into()),
            count => {
                self.buffer.extend_from_slice(&piece[..count]);
                Ok(())
            }
        }
    }
}

fn with_body(path: &str, body: &str) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nhost: bench\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}
