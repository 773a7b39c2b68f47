//! Frames of event streams, written and read.

use ambient::agui::sse::{Frame, FrameTooLong, HEARTBEAT, MAX_FRAME_BYTES, Parser, write_frame};
use proptest::prelude::*;

fn parse(chunks: &[&[u8]]) -> Vec<Frame> {
    let mut parser = Parser::new();
    let mut frames = Vec::new();
    for chunk in chunks {
        parser.push(chunk, &mut frames).unwrap();
    }
    frames
}

fn frame(id: Option<&str>, data: &str) -> Frame {
    Frame { id: id.map(Into::into), event: None, data: data.into() }
}

#[test]
fn a_frame_is_an_id_and_one_line_of_data() {
    let mut out = Vec::new();
    write_frame(&mut out, 42, br#"{"type":"RAW","event":null}"#);
    assert_eq!(out, b"id: 42\ndata: {\"type\":\"RAW\",\"event\":null}\n\n");
}

#[test]
fn pretty_printed_json_cannot_end_its_frame_early() {
    let mut out = Vec::new();
    write_frame(&mut out, 1, b"{\r\n\n  \"a\": 1\n}");
    assert!(!out.contains(&b'\r'));
    assert_eq!(parse(&[&out]), [frame(Some("1"), "{\n\n  \"a\": 1\n}")]);
}

#[test]
fn heartbeats_and_other_comments_are_not_frames() {
    let stream = [HEARTBEAT, b": note\nid: 1\nretry: 5\ndata: x\n\n", HEARTBEAT].concat();
    assert_eq!(parse(&[&stream]), [frame(Some("1"), "x")]);
}

#[test]
fn line_ends_may_be_crlf_or_cr() {
    let expected = [frame(Some("7"), "a\nb"), frame(Some("7"), "")];
    assert_eq!(parse(&[b"id: 7\r\ndata: a\r\ndata:b\r\n\r\ndata\r\n\r\n"]), expected);
    assert_eq!(parse(&[b"id: 7\rdata: a\rdata:b\r\rdata\r\r"]), expected);
}

#[test]
fn a_byte_order_mark_is_dropped_and_event_names_are_kept() {
    let frames = parse(&["\u{feff}event: ping\ndata: \u{feff}x\n\n".as_bytes()]);
    let expected = Frame { event: Some("ping".into()), ..frame(None, "\u{feff}x") };
    assert_eq!(frames, [expected]);
}

#[test]
fn a_frame_that_the_stream_cuts_off_is_not_reported() {
    assert_eq!(parse(&[b"data: whole\n\ndata: torn\n"]), [frame(None, "whole")]);
}

#[test]
fn a_frame_that_never_ends_is_refused_before_it_fills_the_memory() {
    let mut parser = Parser::new();
    let mut frames = Vec::new();
    let megabyte = vec![b'x'; 1 << 20];
    parser.push(b"data: ", &mut frames).unwrap();
    let refused = (0..11).find_map(|_| parser.push(&megabyte, &mut frames).err());
    assert_eq!(refused, Some(FrameTooLong));
    let mut lines = Parser::new();
    let line = [b"data: ".as_slice(), &megabyte, b"\n"].concat();
    let refused = (0..11).find_map(|_| lines.push(&line, &mut frames).err());
    assert_eq!(refused, Some(FrameTooLong));
    assert!(frames.is_empty());
}

#[test]
fn a_frame_just_below_the_limit_passes() {
    let data = vec![b'x'; MAX_FRAME_BYTES - 6];
    let frames = parse(&[b"data: ", &data, b"\n\n"]);
    assert_eq!(frames[0].data, data);
}

proptest! {
    #[test]
    fn frames_survive_any_cut_of_the_stream(
        events in prop::collection::vec((any::<u64>(), "[^\r\n]{1,20}"), 1..6),
        crlf in any::<bool>(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
    ) {
        let mut stream = Vec::new();
        for (seq, data) in &events {
            write_frame(&mut stream, *seq, data.as_bytes());
            stream.extend_from_slice(HEARTBEAT);
        }
        if crlf {
            stream = String::from_utf8(stream).unwrap().replace('\n', "\r\n").into_bytes();
        }
        let mut ends: Vec<usize> = cuts.iter().map(|cut| cut.index(stream.len())).collect();
        ends.extend([0, stream.len()]);
        ends.sort_unstable();
        let chunks: Vec<&[u8]> = ends.windows(2).map(|ends| &stream[ends[0]..ends[1]]).collect();
        let expected: Vec<Frame> =
            events.iter().map(|(seq, data)| frame(Some(&seq.to_string()), data)).collect();
        prop_assert_eq!(parse(&chunks), expected);
    }
}
