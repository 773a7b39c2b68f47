//! Server-Sent Events as AG-UI uses them: one JSON event a frame, LF only.

mod parser;

use std::io::Write;

pub use parser::{Frame, FrameTooLong, MAX_FRAME_BYTES, Parser};

/// A comment that keeps a quiet connection alive; clients ignore it.
pub const HEARTBEAT: &[u8] = b": heartbeat\n\n";

/// Appends several events as frames that all have the same id: what brings a client to where a log is.
pub fn write_events(out: &mut Vec<u8>, seq: u64, events: &[super::Event]) {
    for event in events {
        // Events of a log have a JSON form: they came from one.
        write_frame(out, seq, &serde_json::to_vec(event).unwrap_or_default());
    }
}

/// Appends one frame, `id: N` and `data: {…}`, to `out`.
///
/// `event_json` is one JSON document. One that was pretty-printed is split over several `data:` lines, as the format
/// demands, so that no content can end a frame early.
pub fn write_frame(out: &mut Vec<u8>, seq: u64, event_json: &[u8]) {
    out.reserve(event_json.len() + 36);
    // Writing to memory cannot fail.
    let _ = writeln!(out, "id: {seq}");
    for line in event_json.split(|&byte| byte == b'\n') {
        out.extend_from_slice(b"data: ");
        out.extend_from_slice(line.strip_suffix(b"\r").unwrap_or(line));
        out.push(b'\n');
    }
    out.push(b'\n');
}
