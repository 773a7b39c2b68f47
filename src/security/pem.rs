//! PEM private keys, also inside JSON strings, with numbered lines or broken by blanks.

use super::{
    charset::Charset,
    tail::{At, NOWHERE, Step, Thread},
};

/// The matcher of what follows `-----BEGIN `.
///
/// The opening line alone is no secret, code and prose speak of it: only key material after it makes it one. Then all
/// goes up to the closing line, or to the first byte that can be neither key nor line break.
pub(super) struct Pem;

/// What may follow `-----BEGIN ` before a private key.
const LABELS: [&[u8]; 8] = [
    b"PRIVATE KEY-----",
    b"RSA PRIVATE KEY-----",
    b"EC PRIVATE KEY-----",
    b"DSA PRIVATE KEY-----",
    b"OPENSSH PRIVATE KEY-----",
    b"ENCRYPTED PRIVATE KEY-----",
    b"ANY PRIVATE KEY-----",
    b"PGP PRIVATE KEY BLOCK-----",
];

/// That many characters of base64 in a row are key material, and no word.
const MIN_KEY_RUN: u32 = 24;
/// Headers and line breaks between the opening line and the key.
const MAX_BEFORE_KEY: u32 = 512;
/// No key is longer.
const MAX_KEY: u32 = 32 * 1024;
/// No closing line is longer.
const MAX_END_LINE: u32 = 64;

/// Stages. While the label is read, the bits of the stage are the labels that are still possible.
const BEFORE_KEY: u32 = 1 << 8;
const KEY: u32 = 1 << 9;
const END_LINE: u32 = 1 << 10;
/// The stage's lowest bits count: base64 characters in a row before the key, dashes in the closing line.
const NOTES: u32 = 0xff;

/// Base64 without the slash, of which paths are made.
const KEY_RUN_SET: Charset = Charset::ALNUM.with(b"+");
const KEY_SET: Charset = Charset::BASE64.with(b"\r\n\t :|>");
const END_LINE_SET: Charset = Charset::UPPER_DIGIT.with(b" -");

impl Pem {
    /// All labels are possible.
    pub(super) const FIRST_STAGE: u32 = (1 << LABELS.len()) - 1;

    pub(super) fn step(thread: &mut Thread, byte: u8, at: At) -> Step {
        match thread.stage & !NOTES {
            0 => label(thread, byte),
            BEFORE_KEY => before_key(thread, byte),
            KEY => key(thread, byte, at),
            _ => end_line(thread, byte),
        }
    }
}

fn label(thread: &mut Thread, byte: u8) -> Step {
    let read = thread.count as usize;
    for (index, label) in LABELS.iter().enumerate() {
        if label.get(read - 1) != Some(&byte) {
            thread.stage &= !(1 << index);
        } else if thread.stage & 1 << index != 0 && label.len() == read {
            return thread.enter(BEFORE_KEY);
        }
    }
    if thread.stage == 0 { Step::End } else { Step::More }
}

fn before_key(thread: &mut Thread, byte: u8) -> Step {
    let quoted = b"\"'`<{};[".contains(&byte);
    if quoted || thread.count > MAX_BEFORE_KEY {
        return Step::End;
    }
    if !KEY_RUN_SET.contains(byte) {
        thread.stage = BEFORE_KEY;
        return Step::More;
    }
    thread.stage += 1;
    if thread.stage & NOTES < MIN_KEY_RUN {
        return Step::More;
    }
    thread.enter(KEY);
    thread.cover()
}

/// A backslash belongs to the key if it starts an escaped line break: it waits for the byte after it.
fn key(thread: &mut Thread, byte: u8, at: At) -> Step {
    let escaped = thread.hold != NOWHERE;
    match byte {
        _ if thread.count > MAX_KEY => Step::End,
        b'\\' if escaped => Step::More,
        b'\\' => {
            thread.hold = at;
            Step::More
        }
        b'n' | b'r' | b't' | b'u' if escaped => thread.cover(),
        _ if escaped => Step::End,
        b'-' => {
            thread.enter(END_LINE | 1);
            thread.cover()
        }
        // Not ASCII: the arrow of numbered lines. Never cut inside a character.
        _ if KEY_SET.contains(byte) || !byte.is_ascii() => thread.cover(),
        _ => Step::End,
    }
}

fn end_line(thread: &mut Thread, byte: u8) -> Step {
    const DASHES: u32 = 10;
    if thread.count > MAX_END_LINE || !END_LINE_SET.contains(byte) {
        return Step::End;
    }
    thread.stage += u32::from(byte == b'-');
    if thread.stage & NOTES == DASHES { Step::CoverLast } else { thread.cover() }
}
