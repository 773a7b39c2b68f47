//! Digits that a tool wrapped into lines: `base64` and PEM after 64 or 76 of them, `xxd -p` after 60, YAML with blanks in
//! front of each line, and all of that inside a JSON string, where a line break is `\n` or `\r\n` in escapes.
//!
//! Where the lines end is not looked at: no other text has all the digits in their order. So one matcher serves for every
//! width, and what it may hold back is the digits and a bounded number of other bytes.

use super::tail::{Step, Thread, exact};

/// So many bytes of line breaks and blanks a text of few digits may have.
const MAX_BREAKS: u32 = 64;

/// What was read last, in the two lowest bits of [`Thread::stage`]; the others count bytes of line breaks.
const DIGIT: u32 = 0;
/// A backslash, or several.
const ESCAPE: u32 = 1;
/// The end of a line, or blanks after one.
const BREAK: u32 = 2;

/// Reads one more byte of `text`, whose first digits were read.
pub(super) fn wrapped(text: &[u8], thread: &mut Thread, byte: u8) -> Step {
    let next = match (thread.stage & 3, byte) {
        (DIGIT | BREAK, b'\r' | b'\n') | (BREAK, b' ' | b'\t') | (ESCAPE, b'r' | b'n') => BREAK,
        (_, b'\\') => ESCAPE,
        (ESCAPE, _) => return Step::End,
        _ => {
            thread.stage &= !3;
            return exact(text, thread, byte);
        }
    };
    // Only digits are counted there.
    thread.count -= 1;
    let breaks = (thread.stage >> 2) + 1;
    thread.stage = breaks << 2 | next;
    // As much for breaks as for digits suits every width that is in use.
    let most = u32::try_from(text.len()).unwrap_or(u32::MAX).saturating_add(MAX_BREAKS);
    if breaks > most { Step::End } else { Step::More }
}
