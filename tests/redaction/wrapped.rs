//! Known values in base64 and hexadecimal digits that a tool wrapped into lines.

use std::fmt::Write as _;

use ambient::security::StreamRedactor;

use crate::{samples, texts::openssl_base64};

/// What tools put between two lines.
const BREAKS: [&str; 6] = ["\n", "\r\n", "\\n", "\\r\\n", "\\\\n", "\n    "];

/// So many digits may stay readable at the beginning, where a line ends within the first four.
const READABLE: usize = 8;

fn wrap(digits: &str, width: usize, line_break: &str) -> String {
    let lines: Vec<&str> = digits.as_bytes().chunks(width).map(|line| std::str::from_utf8(line).unwrap()).collect();
    lines.join(line_break)
}

fn hex(text: &str) -> String {
    text.bytes().fold(String::new(), |mut digits, byte| {
        let _ = write!(digits, "{byte:02x}");
        digits
    })
}

/// Nothing of the digits is left but a few at both ends.
#[track_caller]
fn assert_gone(text: &str, digits: &str, line_break: &str) {
    let redacted = samples::redactor().redact_str(text).into_owned();
    assert!(redacted.contains("[redacted:ANTHROPIC_API_KEY]"), "{text:?} became {redacted:?}");
    let joined = redacted.replace(line_break, "");
    let left = digits.as_bytes().windows(READABLE + 1).map(|window| std::str::from_utf8(window).unwrap());
    assert_eq!(left.filter(|window| joined.contains(*window)).count(), 0, "{text:?} became {redacted:?}");
}

#[test]
fn base64_is_found_wherever_its_lines_end() {
    let key = &samples::known()[0].1;
    for (before, width) in (0..60).flat_map(|before| [(before, 64), (before, 76)]) {
        let filling = "\u{1}".repeat(before);
        let whole = openssl_base64(&format!("{filling}{key}:and more behind it"));
        // The digits that depend on the key alone.
        let own = &whole[(before * 8).div_ceil(6)..(before + key.len()) * 8 / 6];
        for (whole, own) in [
            (whole.clone(), own.to_owned()),
            (whole.replace('+', "-").replace('/', "_"), own.replace('+', "-").replace('/', "_")),
        ] {
            for line_break in BREAKS {
                assert_gone(&wrap(&whole, width, line_break), &own, line_break);
            }
        }
    }
}

#[test]
fn hexadecimal_digits_are_found_wherever_their_lines_end() {
    let key = &samples::known()[0].1;
    for before in 0..40 {
        let (own, whole) = (hex(key), hex(&format!("{}{key} and more", "x".repeat(before))));
        for line_break in BREAKS {
            assert_gone(&wrap(&whole, 60, line_break), &own, line_break);
            assert_gone(&wrap(&whole.to_uppercase(), 64, line_break), &own.to_uppercase(), line_break);
        }
    }
}

#[test]
fn pieces_make_no_difference() {
    let key = &samples::known()[0].1;
    let text = format!("it is {} indeed", wrap(&openssl_base64(key), 16, "\r\n"));
    let whole = samples::redactor().redact_str(&text).into_owned();
    for cut in 0..text.len() {
        let mut stream = StreamRedactor::new(samples::redactor());
        let parts = [stream.push(&text[..cut]).into_owned(), stream.push(&text[cut..]).into_owned(), stream.finish()];
        assert_eq!(parts.concat(), whole, "cut at {cut}");
    }
}

#[test]
fn empty_lines_are_not_held_back_for_long() {
    let start = &openssl_base64(&samples::known()[0].1)[..20];
    let mut stream = StreamRedactor::new(samples::redactor());
    let first = stream.push(start).into_owned();
    assert!(first.len() < start.len(), "the start of a secret is held back");
    let lines = "\n".repeat(1000);
    let out = first + &stream.push(&lines);
    assert_eq!(out, format!("{start}{lines}"));
}
