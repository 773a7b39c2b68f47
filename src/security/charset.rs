//! Sets of bytes.

/// A set of bytes; membership is one shift and one mask.
#[derive(Debug, Clone, Copy)]
pub(super) struct Charset([u64; 4]);

impl Charset {
    const EMPTY: Self = Self([0; 4]);
    /// `0-9`.
    pub(super) const DIGIT: Self = Self::EMPTY.range(b'0', b'9');
    /// `0-9 A-Z`.
    pub(super) const UPPER_DIGIT: Self = Self::DIGIT.range(b'A', b'Z');
    /// `0-9 a-f A-F`.
    pub(super) const HEX: Self = Self::DIGIT.range(b'a', b'f').range(b'A', b'F');
    /// `0-9 A-Z a-z`.
    pub(super) const ALNUM: Self = Self::UPPER_DIGIT.range(b'a', b'z');
    /// Letters, digits and `_`.
    pub(super) const WORD: Self = Self::ALNUM.with(b"_");
    /// Letters, digits, `_` and `-`: URL-safe base64, and most vendors' tokens.
    pub(super) const TOKEN: Self = Self::ALNUM.with(b"_-");
    /// Standard base64 with its padding.
    pub(super) const BASE64: Self = Self::ALNUM.with(b"+/=");
    /// `b64token` of RFC 6750 (what may follow `Bearer `).
    pub(super) const BEARER: Self = Self::ALNUM.with(b"-._~+/=");
    /// What a password inside a URL is written with: `userinfo` of RFC 3986 without quotes, brackets, commas and
    /// semicolons, which end a URL in code and prose, and without the asterisk, which masks a password.
    pub(super) const USERINFO: Self = Self::ALNUM.with(b"-._~%!$&+=");

    /// This set and all bytes from `first` to `last`.
    const fn range(mut self, first: u8, last: u8) -> Self {
        let mut byte = first;
        while byte <= last {
            self = self.insert(byte);
            byte += 1;
        }
        self
    }

    /// This set and the given bytes.
    pub(super) const fn with(mut self, bytes: &[u8]) -> Self {
        let mut i = 0;
        while i < bytes.len() {
            self = self.insert(bytes[i]);
            i += 1;
        }
        self
    }

    const fn insert(mut self, byte: u8) -> Self {
        self.0[(byte >> 6) as usize] |= 1 << (byte & 63);
        self
    }

    /// Whether the byte is in the set.
    pub(super) const fn contains(&self, byte: u8) -> bool {
        self.0[(byte >> 6) as usize] >> (byte & 63) & 1 == 1
    }
}
