//! Keeping texts and values within a number of bytes, counted as the JSON that the API server stores.

use std::{borrow::Cow, io};

use serde::Serialize;

/// What stands at the end of a text that was cut.
pub const CUT_MARK: &str = "… [cut]";

/// How many bytes a value takes as JSON; nothing for what JSON cannot express.
#[must_use]
pub fn json_len(value: &impl Serialize) -> Option<usize> {
    let mut counter = Counter(0);
    serde_json::to_writer(&mut counter, value).ok().map(|()| counter.0)
}

/// The text, if it takes at most `max` bytes inside a JSON string; else its beginning with a mark at the end, cut at a
/// character's boundary. Where not even the mark fits, nothing is left.
#[must_use]
pub fn cut(text: &str, max: usize) -> Cow<'_, str> {
    let mut used = 0;
    let mut room_for_mark = 0;
    for (position, c) in text.char_indices() {
        if used + CUT_MARK.len() <= max {
            room_for_mark = position;
        }
        used += escaped_len(c);
        if used > max {
            let mark = if max < CUT_MARK.len() { "" } else { CUT_MARK };
            return Cow::Owned(format!("{}{mark}", &text[..room_for_mark]));
        }
    }
    Cow::Borrowed(text)
}

/// How many bytes `serde_json` writes for a character of a string.
const fn escaped_len(c: char) -> usize {
    match c {
        '"' | '\\' | '\n' | '\r' | '\t' | '\u{8}' | '\u{c}' => 2,
        '\0'..='\u{1f}' => 6,
        _ => c.len_utf8(),
    }
}

/// Counts what is written to it.
struct Counter(usize);

impl io::Write for Counter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_cut_text_never_takes_more_than_it_may(text in any::<String>(), max in 0_usize..200) {
            let cut = cut(&text, max);
            prop_assert!(json_len(&cut).unwrap() <= max + 2);
        }

        #[test]
        fn a_text_that_fits_is_left_alone(text in any::<String>()) {
            let needed = json_len(&text).unwrap() - 2;
            prop_assert_eq!(cut(&text, needed), text.as_str());
            prop_assert!(needed == 0 || cut(&text, needed - 1) != text.as_str());
        }

        #[test]
        fn a_cut_text_is_the_beginning_and_a_mark(text in "\\PC{20,60}", max in 10_usize..20) {
            let cut = cut(&text, max);
            prop_assert!(text.starts_with(cut.strip_suffix(CUT_MARK).unwrap()));
        }
    }
}
