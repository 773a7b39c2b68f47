//! How a value looks inside base64, wherever it lies in the encoded text.

const STANDARD: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const URL_SAFE: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// The texts that stand for `value` in any base64 text that encodes it, alone or between other bytes
/// (`user:VALUE`): for each of the three alignments the characters that depend on `value` alone, and the whole of
/// `value` on its own with its padding; each in the standard and in the URL-safe alphabet.
pub(super) fn forms(value: &[u8]) -> impl Iterator<Item = String> + '_ {
    [STANDARD, URL_SAFE].into_iter().flat_map(move |alphabet| {
        (0..3).map(move |before| inside(value, before, alphabet)).chain([alone(value, alphabet)])
    })
}

/// The characters that encode only bits of `value` when `before` (mod 3) bytes come before it.
fn inside(value: &[u8], before: usize, alphabet: &[u8; 64]) -> String {
    let mut bytes = vec![0; before];
    bytes.extend_from_slice(value);
    let shared_with_before = (before * 8).div_ceil(6);
    let whole = bytes.len() * 8 / 6;
    digits(&bytes, alphabet).skip(shared_with_before).take(whole - shared_with_before).collect()
}

fn alone(value: &[u8], alphabet: &[u8; 64]) -> String {
    let mut text: String = digits(value, alphabet).collect();
    while !text.len().is_multiple_of(4) {
        text.push('=');
    }
    text
}

/// All digits, the last one filled up with zero bits.
fn digits<'a>(bytes: &'a [u8], alphabet: &'a [u8; 64]) -> impl Iterator<Item = char> + 'a {
    (0..(bytes.len() * 8).div_ceil(6)).map(move |digit| {
        let bit = digit * 6;
        let at = |i: usize| u16::from(bytes.get(i).copied().unwrap_or(0));
        let pair = at(bit / 8) << 8 | at(bit / 8 + 1);
        char::from(alphabet[usize::from(pair >> (10 - bit % 8) & 63)])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_alone_is_encoded_with_padding() {
        assert_eq!(alone(b"", STANDARD), "");
        assert_eq!(alone(b"f", STANDARD), "Zg==");
        assert_eq!(alone(b"fo", STANDARD), "Zm8=");
        assert_eq!(alone(b"foobar", STANDARD), "Zm9vYmFy");
        assert_eq!(alone(&[0xfb, 0xff], URL_SAFE), "-_8=");
    }

    #[test]
    fn a_value_between_other_bytes_shows_one_of_its_three_forms() {
        let value = b"correct horse battery";
        for before in 0..7 {
            for after in 0..4 {
                let text = alone(&[&b"x".repeat(before), &value[..], &b"y".repeat(after)].concat(), STANDARD);
                let form = inside(value, before % 3, STANDARD);
                assert!(form.len() >= 25 && text.contains(&form), "{before} {after}");
            }
        }
    }
}
