//! The forms in which a secret value may appear in a text.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};

use super::base64;

/// A shorter text would be found in ordinary prose.
pub(super) const MIN_LEN: usize = 8;
/// A line of a value of several lines is looked for on its own from this length, if it has no blank in it: so a key file
/// is found although a tool numbered its lines.
const MIN_LINE: usize = 32;

/// The first so many digits of a long base64 or hexadecimal form stay readable: two or three bytes of the value, which
/// nearly always are the well-known start of a token. Otherwise every text that ends in a letter with which one of the
/// many forms starts would have to wait, and that is nearly every text.
pub(super) const READABLE_DIGITS: usize = 4;
/// From that length on a form of digits is long.
const LONG: usize = 24;

/// One form of a value.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Form {
    /// So many of its first bytes stay readable.
    pub(super) keep: usize,
    /// Whether tools wrap it into lines: it may have line breaks between its digits.
    pub(super) wraps: bool,
}

/// The value itself and its encoded forms: as JSON text once and twice (in the escapes that common encoders choose), in a
/// JSON pointer, percent-encoded, in hexadecimal digits, and in base64 at every alignment. Each form once, none below
/// [`MIN_LEN`] bytes.
pub(super) fn forms(value: &str) -> BTreeMap<String, Form> {
    let mut forms = BTreeSet::from([value.to_owned()]);
    for once in json_variants(value) {
        forms.insert(json(&once));
        forms.insert(once);
    }
    forms.insert(value.replace('~', "~0").replace('/', "~1"));
    for keep in ["-._~", "-._~!'()*", "-._~/", "-._~:/?#[]@!$&'()*+,;="] {
        let upper = percent(value, keep);
        forms.insert(upper.replace("%20", "+"));
        forms.insert(lowercase_percent(&upper));
        forms.insert(upper);
    }
    forms.extend(lines(value));
    let mut forms: BTreeMap<_, _> = forms.into_iter().map(|form| (form, Form::default())).collect();
    for digits in base64::forms(value.as_bytes()).chain(hex(value)) {
        let keep = if digits.len() < LONG { 0 } else { READABLE_DIGITS };
        // A form is found by its first digits. Where a line ends within them, it is found by those that follow.
        for found in [digits.get(READABLE_DIGITS..), Some(&digits)].into_iter().flatten() {
            forms.entry(found.to_owned()).or_insert(Form { keep, wraps: true });
        }
    }
    forms.retain(|form, _| form.len() >= MIN_LEN);
    forms
}

/// Hexadecimal digits, small and capital.
fn hex(value: &str) -> [String; 2] {
    let mut small = String::new();
    for byte in value.bytes() {
        let _ = write!(small, "{byte:02x}");
    }
    [small.to_uppercase(), small]
}

fn lines(value: &str) -> impl Iterator<Item = String> + '_ {
    let lines = value.lines().map(str::trim).filter(move |line| line.len() < value.len());
    lines.filter(|line| line.len() >= MIN_LINE && !line.contains([' ', '\t'])).map(str::to_owned)
}

/// The inside of a JSON string: minimal escapes, slashes escaped, HTML characters escaped, and all but ASCII escaped.
fn json_variants(value: &str) -> [String; 4] {
    let plain = json(value);
    let slashes = plain.replace('/', "\\/");
    let html = plain.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026");
    let mut ascii = String::new();
    for c in plain.chars() {
        if c.is_ascii() {
            ascii.push(c);
        } else {
            for unit in c.encode_utf16(&mut [0; 2]) {
                let _ = write!(ascii, "\\u{unit:04x}");
            }
        }
    }
    [plain, slashes, html, ascii]
}

fn json(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

/// Percent-encoding of all bytes but letters, digits and `keep`.
fn percent(value: &str, keep: &str) -> String {
    let mut text = String::new();
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || keep.as_bytes().contains(&byte) {
            text.push(char::from(byte));
        } else {
            let _ = write!(text, "%{byte:02X}");
        }
    }
    text
}

/// The same percent-encoding with lower-case hexadecimal digits.
fn lowercase_percent(text: &str) -> String {
    let mut parts = text.split('%');
    let mut lower = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (hex, rest) = part.split_at_checked(2).unwrap_or((part, ""));
        let _ = write!(lower, "%{}{rest}", hex.to_ascii_lowercase());
    }
    lower
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_token_has_itself_and_its_base64_forms() {
        let forms = forms("abcdefgh12345678");
        assert!(forms.contains_key("abcdefgh12345678"));
        assert!(forms.contains_key("YWJjZGVmZ2gxMjM0NTY3OA=="));
        assert!(forms.contains_key("61626364656667683132333435363738"));
        assert!(forms.len() <= 14, "{forms:?}");
    }

    #[test]
    fn a_value_with_special_characters_has_its_escaped_forms() {
        let forms = forms("p/a \"s<s\nwörd~");
        for form in [
            "p/a \\\"s<s\\nwörd~",
            "p/a \\\\\\\"s<s\\\\nwörd~",
            "p\\/a \\\"s<s\\nwörd~",
            "p/a \\\"s\\u003cs\\nwörd~",
            "p/a \\\"s<s\\nw\\u00f6rd~",
            "p~1a \"s<s\nwörd~0",
            "p%2Fa%20%22s%3Cs%0Aw%C3%B6rd~",
            "p%2fa%20%22s%3cs%0aw%c3%b6rd~",
            "p%2Fa+%22s%3Cs%0Aw%C3%B6rd~",
        ] {
            assert!(forms.contains_key(form), "{form} not in {forms:#?}");
        }
    }

    #[test]
    fn long_lines_of_a_key_file_count_on_their_own() {
        let line = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7";
        let value = format!("-----BEGIN PRIVATE KEY-----\n{line}\nshort==\n-----END PRIVATE KEY-----");
        let forms = forms(&value);
        assert!(forms.contains_key(line));
        assert!(!forms.contains_key("short==") && !forms.contains_key("-----END PRIVATE KEY-----"));
    }
}
