//! Decoding a file of base64 text in place: what is decoded is shorter, so it never overtakes what is still to be read.

use std::{fs::File, io, os::unix::fs::FileExt};

use base64::{Engine, engine::general_purpose::STANDARD};

/// How much text is decoded at once; a multiple of four.
const CHUNK: usize = 128 * 1024;

/// Why a file could not be decoded.
#[derive(Debug)]
pub(super) enum DecodeError {
    /// Not base64 by the letter.
    Invalid,
    /// It could not be read or written.
    Io(io::Error),
}

impl From<io::Error> for DecodeError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Decodes a text: the standard alphabet, padded, nothing else in between.
pub(super) fn decode(text: &[u8]) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

/// Replaces the text that a file holds by what it stands for.
pub(super) fn decode_in_place(file: &File, length: u64) -> Result<(), DecodeError> {
    let mut text = vec![0; CHUNK];
    let mut bytes = vec![0; CHUNK / 4 * 3];
    let (mut from, mut to) = (0, 0);
    while from < length {
        let left = usize::try_from(length - from).unwrap_or(CHUNK);
        let piece = &mut text[..left.min(CHUNK)];
        file.read_exact_at(piece, from)?;
        let decoded = STANDARD.decode_slice(&*piece, &mut bytes).map_err(|_| DecodeError::Invalid)?;
        // Padding ends a text, so only its last piece may have some.
        if left > CHUNK && decoded != bytes.len() {
            return Err(DecodeError::Invalid);
        }
        file.write_all_at(&bytes[..decoded], to)?;
        from += u64::try_from(piece.len()).unwrap_or(0);
        to += u64::try_from(decoded).unwrap_or(0);
    }
    Ok(file.set_len(to)?)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn in_place(text: &[u8]) -> Option<Vec<u8>> {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(text).unwrap();
        decode_in_place(&file, u64::try_from(text.len()).unwrap()).ok()?;
        let mut bytes = vec![0; usize::try_from(file.metadata().unwrap().len()).unwrap()];
        file.read_exact_at(&mut bytes, 0).unwrap();
        Some(bytes)
    }

    #[test]
    fn a_file_of_any_length_is_decoded_in_place() {
        for length in [0, 1, 2, 3, 98_303, 98_304, 98_305, 98_306, 400_000] {
            let bytes: Vec<u8> = (0..length).map(|i: u32| u8::try_from(i * 31 % 251).unwrap()).collect();
            let text = STANDARD.encode(&bytes);
            assert_eq!(in_place(text.as_bytes()).as_ref(), Some(&bytes), "{length}");
            assert_eq!(decode(text.as_bytes()), Some(bytes), "{length}");
        }
    }

    #[test]
    fn bug_18_what_is_not_base64_by_the_letter_is_refused() {
        for text in ["!!AAAA!!", "AAA", "A===", "AA==AAAA", "AA\nAA", "AAAA====", "AB==", "_-==", "=", "    "] {
            assert_eq!(decode(text.as_bytes()), None, "{text:?}");
            assert_eq!(in_place(text.as_bytes()), None, "{text:?}");
        }
    }

    #[test]
    fn padding_in_the_middle_of_a_long_text_is_refused() {
        let mut text = "AAAA".repeat(CHUNK / 2).into_bytes();
        text[CHUNK - 1] = b'=';
        assert_eq!(in_place(&text), None);
    }
}
