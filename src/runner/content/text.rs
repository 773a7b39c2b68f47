//! One JSON string, decoded as its bytes come in. No IO.

use memchr::memchr2;

/// Why it is no JSON string.
pub(super) type Broken = &'static str;

#[derive(Debug, Clone, Copy, Default)]
enum Escape {
    #[default]
    None,
    /// After a backslash.
    Slash,
    /// After `\u` and some of its digits, with the first half of a pair before it.
    Hex { digits: u8, value: u16, lead: Option<u16> },
    /// After the first half of a pair, before the backslash of the second.
    WantSlash(u16),
    /// And before its `u`.
    WantU(u16),
}

/// Where a string was cut off.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Text {
    escape: Escape,
    /// A character whose last bytes have not come yet.
    carry: [u8; 4],
    carried: usize,
}

impl Text {
    /// Decodes what comes next into `sink`. How much of `input` belonged to the string, its closing quote too; nothing when
    /// the string goes on behind `input`.
    pub(super) fn push(&mut self, input: &[u8], sink: &mut Vec<u8>) -> Result<Option<usize>, Broken> {
        let mut at = 0;
        while at < input.len() {
            match self.escape {
                Escape::None if self.carried == 0 => {
                    at += self.run(&input[at..], sink)?;
                    match input.get(at) {
                        Some(b'"') => return Ok(Some(at + 1)),
                        Some(_) => self.escape = Escape::Slash,
                        None => return Ok(None),
                    }
                }
                Escape::None => self.complete(input[at], sink)?,
                escape => self.escape = step(escape, input[at], sink)?,
            }
            at += 1;
        }
        Ok(None)
    }

    /// Takes everything up to a quote or a backslash.
    fn run(&mut self, input: &[u8], sink: &mut Vec<u8>) -> Result<usize, Broken> {
        let end = memchr2(b'"', b'\\', input).unwrap_or(input.len());
        let run = &input[..end];
        if run.iter().fold(false, |found, byte| found | (*byte < 0x20)) {
            return Err("a control character in a string; escape it, e.g. \\n");
        }
        let whole = match std::str::from_utf8(run) {
            Ok(_) => run.len(),
            Err(error) if error.error_len().is_none() && end == input.len() => error.valid_up_to(),
            Err(_) => return Err(NOT_UTF8),
        };
        sink.extend_from_slice(&run[..whole]);
        self.carried = run.len() - whole;
        self.carry[..self.carried].copy_from_slice(&run[whole..]);
        Ok(end)
    }

    /// Adds a byte to a character that was cut off.
    fn complete(&mut self, byte: u8, sink: &mut Vec<u8>) -> Result<(), Broken> {
        *self.carry.get_mut(self.carried).ok_or(NOT_UTF8)? = byte;
        self.carried += 1;
        let bytes = &self.carry[..self.carried];
        match std::str::from_utf8(bytes) {
            Ok(_) => {
                sink.extend_from_slice(bytes);
                self.carried = 0;
                Ok(())
            }
            Err(error) if error.error_len().is_none() => Ok(()),
            Err(_) => Err(NOT_UTF8),
        }
    }
}

const NOT_UTF8: Broken = "a string that is not UTF-8; send other bytes as base64";
const NO_ESCAPE: Broken = "an unknown escape in a string";
const HALF: Broken = "half a surrogate pair in a string";

fn step(escape: Escape, byte: u8, sink: &mut Vec<u8>) -> Result<Escape, Broken> {
    match (escape, byte) {
        (Escape::None, _) => Ok(Escape::None),
        (Escape::Slash, b'u') => Ok(Escape::Hex { digits: 0, value: 0, lead: None }),
        (Escape::Slash, byte) => {
            sink.push(short(byte).ok_or(NO_ESCAPE)?);
            Ok(Escape::None)
        }
        (Escape::Hex { digits, value, lead }, byte) => {
            let digit = char::from(byte).to_digit(16).and_then(|digit| u16::try_from(digit).ok()).ok_or(NO_ESCAPE)?;
            let value = value << 4 | digit;
            if digits < 3 { Ok(Escape::Hex { digits: digits + 1, value, lead }) } else { unit(value, lead, sink) }
        }
        (Escape::WantSlash(lead), b'\\') => Ok(Escape::WantU(lead)),
        (Escape::WantU(lead), b'u') => Ok(Escape::Hex { digits: 0, value: 0, lead: Some(lead) }),
        (Escape::WantSlash(_) | Escape::WantU(_), _) => Err(HALF),
    }
}

fn short(byte: u8) -> Option<u8> {
    match byte {
        b'"' | b'\\' | b'/' => Some(byte),
        b'b' => Some(8),
        b'f' => Some(12),
        b'n' => Some(b'\n'),
        b'r' => Some(b'\r'),
        b't' => Some(b'\t'),
        _ => None,
    }
}

/// A UTF-16 unit is whole.
fn unit(value: u16, lead: Option<u16>, sink: &mut Vec<u8>) -> Result<Escape, Broken> {
    if lead.is_none() && (0xD800..0xDC00).contains(&value) {
        return Ok(Escape::WantSlash(value));
    }
    let units = lead.into_iter().chain([value]);
    for decoded in char::decode_utf16(units) {
        let decoded = decoded.map_err(|_| HALF)?;
        sink.extend_from_slice(decoded.encode_utf8(&mut [0; 4]).as_bytes());
    }
    Ok(Escape::None)
}
