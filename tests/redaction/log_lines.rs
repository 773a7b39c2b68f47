//! Log lines and the output of processes.

use std::{
    io::{self, Write},
    sync::{Arc, Mutex},
};

use ambient::security::{RedactingMakeWriter, RedactingWriter};

use crate::samples;

/// Collects what is written.
#[derive(Debug, Clone, Default)]
struct Sink(Arc<Mutex<Vec<u8>>>);

impl Sink {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_secret_written_in_pieces_never_reaches_the_writer_below() {
    let key = &samples::known()[0].1;
    for size in 1..key.len() {
        let sink = Sink::default();
        let mut writer = RedactingWriter::new(samples::redactor(), sink.clone());
        for piece in format!("key={key}\nnext\n").as_bytes().chunks(size) {
            writer.write_all(piece).unwrap();
        }
        drop(writer);
        assert_eq!(sink.text(), "key=[redacted:ANTHROPIC_API_KEY]\nnext\n");
    }
}

#[test]
fn a_key_file_over_several_lines_never_reaches_the_writer_below() {
    let sink = Sink::default();
    let mut writer = RedactingWriter::new(samples::redactor(), sink.clone());
    for line in samples::pem().lines() {
        writeln!(writer, "{line}").unwrap();
    }
    drop(writer);
    assert_eq!(sink.text(), "[redacted:private-key]\n");
}

#[test]
fn a_flush_lets_everything_out_at_once() {
    let sink = Sink::default();
    let mut writer = RedactingWriter::new(samples::redactor(), sink.clone());
    writer.write_all(b"password: ghp").unwrap();
    writer.flush().unwrap();
    assert_eq!(sink.text(), "password: ghp");
}

#[test]
fn log_lines_are_redacted_in_message_and_fields() {
    let key = &samples::known()[0].1;
    for json in [false, true] {
        let sink = Sink::default();
        let made = sink.clone();
        let writer = RedactingMakeWriter::new(samples::redactor(), move || made.clone());
        let builder = tracing_subscriber::fmt().with_writer(writer);
        let subscriber: Box<dyn tracing::Subscriber + Send + Sync> =
            if json { Box::new(builder.json().finish()) } else { Box::new(builder.finish()) };
        tracing::subscriber::with_default(subscriber, || {
            tracing::info!(token = key, path = "a \"quoted\" b", "clone of https://user:{key}@host failed");
        });
        let line = sink.text();
        assert!(!line.contains(key.as_str()), "{line}");
        assert_eq!(line.matches("[redacted:ANTHROPIC_API_KEY]").count(), 2, "{line}");
        assert!(line.ends_with('\n'));
    }
}
