//! Redaction of what is written to a log.

use std::{
    io::{self, Write},
    sync::Arc,
};

use tracing_subscriber::fmt::MakeWriter;

use super::{Redactor, live::LiveLane};

/// Redacts everything that is written through it, as one text. What may be the start of a secret waits for the next
/// write, the next flush or the end (`drop`); a secret that a flush cuts is replaced from there on.
#[derive(Debug)]
pub struct RedactingWriter<W: Write> {
    redactor: Arc<Redactor>,
    lane: LiveLane,
    inner: W,
    /// Redacted text on its way to `inner`.
    out: Vec<u8>,
}

impl<W: Write> RedactingWriter<W> {
    /// Writes to `inner`.
    pub fn new(redactor: Arc<Redactor>, inner: W) -> Self {
        Self { redactor, lane: LiveLane::default(), inner, out: Vec::new() }
    }

    /// The writer below, for reading what it got.
    pub fn get_ref(&self) -> &W {
        &self.inner
    }

    fn forward(&mut self) -> io::Result<()> {
        let written = self.inner.write_all(&self.out);
        self.out.clear();
        written
    }
}

impl<W: Write> Write for RedactingWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.lane.push_bytes(&self.redactor, bytes, &mut self.out);
        self.forward()?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.lane.flush(&self.redactor, &mut self.out);
        self.forward()?;
        self.inner.flush()
    }
}

impl<W: Write> Drop for RedactingWriter<W> {
    fn drop(&mut self) {
        // Nobody is left to hear of an error.
        let _ = self.flush();
    }
}

/// Gives a tracing subscriber writers that redact: each log line is one text.
#[derive(Debug, Clone)]
pub struct RedactingMakeWriter<M> {
    redactor: Arc<Redactor>,
    inner: M,
}

impl<M> RedactingMakeWriter<M> {
    /// Redacts what goes to the writers of `inner` (`std::io::stderr`, say).
    pub fn new(redactor: Arc<Redactor>, inner: M) -> Self {
        Self { redactor, inner }
    }
}

impl<'a, M: MakeWriter<'a>> MakeWriter<'a> for RedactingMakeWriter<M> {
    type Writer = RedactingWriter<M::Writer>;

    fn make_writer(&'a self) -> Self::Writer {
        RedactingWriter::new(Arc::clone(&self.redactor), self.inner.make_writer())
    }

    fn make_writer_for(&'a self, meta: &tracing::Metadata<'_>) -> Self::Writer {
        RedactingWriter::new(Arc::clone(&self.redactor), self.inner.make_writer_for(meta))
    }
}
