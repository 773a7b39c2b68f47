//! Whether a place in a text starts a word.

/// So many bytes before a place decide about it.
const REACH: usize = 6;
/// The longest prefix of a pattern that must start a word.
pub(super) const MAX_PREFIX: usize = SIZE - REACH;
const SIZE: usize = 32;

/// The last bytes before the text at hand.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Before {
    bytes: [u8; SIZE],
    len: usize,
}

impl Before {
    /// More text went by.
    pub(super) fn push(&mut self, text: &[u8]) {
        let text = text.last_chunk::<SIZE>().map_or(text, <[u8; SIZE]>::as_slice);
        let mut both = [0; 2 * SIZE];
        both[..SIZE].copy_from_slice(&self.bytes);
        both[SIZE..][..text.len()].copy_from_slice(text);
        self.bytes.copy_from_slice(&both[text.len()..][..SIZE]);
        self.len = SIZE.min(self.len + text.len());
    }

    /// Whether a word starts in `text`, which follows these bytes, at `text.len() - back`.
    pub(super) fn starts_word(&self, text: &[u8], back: usize) -> bool {
        let mut last = [0; REACH];
        for (distance, slot) in (1..).zip(last.iter_mut().rev()) {
            let back = back + distance;
            *slot = match text.len().checked_sub(back) {
                Some(at) => text[at],
                None if back - text.len() <= self.len => self.bytes[SIZE + text.len() - back],
                None => b' ',
            };
        }
        starts_word_after(last)
    }
}

/// A word starts after anything but a letter or digit; and after these if they only encode something else: `\n`,
/// `%3D`, `\u0022`, or end a colour code (`ESC[32m`).
fn starts_word_after(last: [u8; REACH]) -> bool {
    match last {
        [.., byte] if !byte.is_ascii_alphanumeric() => true,
        [.., b'\\', byte] => b"nrtbf".contains(&byte),
        [.., b'%', high, low] => high.is_ascii_hexdigit() && low.is_ascii_hexdigit(),
        [b'\\', b'u', hex @ ..] if hex.iter().all(u8::is_ascii_hexdigit) => true,
        [.., before, b'm'] => before == b'[' || before.is_ascii_digit(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn starts_word(text: &str) -> bool {
        let mut answers = (0..=text.len()).map(|cut| {
            let mut before = Before::default();
            before.push(&text.as_bytes()[..cut]);
            before.starts_word(&text.as_bytes()[cut..], 0)
        });
        let first = answers.next().unwrap();
        assert!(answers.all(|answer| answer == first), "depends on the cut: {text}");
        first
    }

    #[test]
    fn words_start_after_blanks_punctuation_and_escapes() {
        for text in
            ["", " ", "a=", "\"", "é", "x\\n", "x\\\\n", "key%3D", "key%3d", "a\\u0022", "\x1b[1;32m", "x_", "x-"]
        {
            assert!(starts_word(text), "{text}");
        }
        for text in ["a", "disk", "x9", "é1", "\\x", "%3", "%zD", "u0022", "am", "M"] {
            assert!(!starts_word(text), "{text}");
        }
    }

    #[test]
    fn a_long_text_that_went_by_is_remembered_at_its_end() {
        let mut before = Before::default();
        before.push("=".repeat(100).as_bytes());
        assert!(before.starts_word(b"sk-", 3));
        before.push(b"a");
        assert!(!before.starts_word(b"sk-", 3));
    }
}
