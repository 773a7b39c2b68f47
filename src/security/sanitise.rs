//! Names and identifiers from outside, made harmless before they reach prompts, logs, headers, labels or commit authors.

use std::borrow::Cow;

/// Longest user id, in bytes (the limit of the original platform).
pub const MAX_USER_ID: usize = 255;
/// Longest display name, in bytes.
pub const MAX_DISPLAY_NAME: usize = 255;

/// A user's or group's identifier: only ASCII letters, digits and `@ . _ - + : / = ~` stay, at most [`MAX_USER_ID`] of
/// them. That keeps e-mail addresses, Kubernetes users (`system:serviceaccount:ns:name`) and UUIDs as they are. Line
/// breaks (header injection), control characters, shell and markup characters, and every letter that only looks like
/// an ASCII one disappear.
///
/// Two ids may become one. Where an id decides about access, refuse it unless it comes back borrowed (unchanged).
#[must_use]
pub fn user_id(raw: &str) -> Cow<'_, str> {
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || "@._-+:/=~".contains(c);
    if raw.chars().all(is_allowed) {
        return keep_or_cut(raw, MAX_USER_ID);
    }
    let plain: String = raw.chars().filter(|c| is_allowed(*c)).take(MAX_USER_ID).collect();
    Cow::Owned(plain)
}

/// A name for people to read: one line of at most [`MAX_DISPLAY_NAME`] bytes, any script, single blanks between words.
/// Control characters, line breaks, direction controls (which make a text look like another), invisible and
/// private-use characters disappear. Letters of other scripts stay, since names have them: a name never identifies.
#[must_use]
pub fn display_name(raw: &str) -> Cow<'_, str> {
    let is_clean = raw.chars().all(|c| !c.is_whitespace() && is_visible(c) || c == ' ');
    if is_clean && raw.trim() == raw && !raw.contains("  ") {
        return keep_or_cut(raw, MAX_DISPLAY_NAME);
    }
    let mut name = String::with_capacity(raw.len().min(MAX_DISPLAY_NAME));
    for word in raw.split(|c: char| c.is_whitespace() || c.is_control()) {
        let visible = word.chars().filter(|c| is_visible(*c));
        let gap = if name.is_empty() { "" } else { " " };
        let before = name.len();
        name.push_str(gap);
        name.extend(visible);
        if name.len() == before + gap.len() {
            name.truncate(before);
        }
    }
    name.truncate(truncate(&name, MAX_DISPLAY_NAME).trim_end().len());
    Cow::Owned(name)
}

/// The longest start of `text` of at most `max` bytes that cuts no character.
#[must_use]
pub fn truncate(text: &str, max: usize) -> &str {
    &text[..text.floor_char_boundary(max)]
}

fn keep_or_cut(text: &str, max: usize) -> Cow<'_, str> {
    let cut = truncate(text, max);
    if cut.len() == text.len() { Cow::Borrowed(text) } else { Cow::Owned(cut.trim_end().to_owned()) }
}

/// Whether a character shows as itself: no control, no default-ignorable character (Unicode's `Cf` and fillers that show
/// nothing), no private use, no noncharacter.
fn is_visible(c: char) -> bool {
    !c.is_control()
        && !matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}' | '\u{70f}' | '\u{115f}'..='\u{1160}'
            | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}' | '\u{e000}'..='\u{f8ff}' | '\u{fdd0}'..='\u{fdef}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{fffe}'..='\u{ffff}'
            | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{10ffff}')
}
