//! The body of a write, `{"path", "content", "encoding"}` in any order, read as it comes in: the content goes through, and
//! nothing of it is kept. No IO.

use super::{
    number::Number,
    text::{Broken, Text},
};

/// The longest `path` or `encoding` that is kept, in bytes. What a path may be is decided elsewhere.
const MAX_MEMBER: usize = 16 * 1024;
/// Values in each other, as `serde_json` allows.
const MAX_DEPTH: usize = 127;

/// Why a body is not what a write takes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Not JSON.
    #[error("{reason} (near byte {at})")]
    Syntax {
        /// What is wrong.
        reason: &'static str,
        /// Where, in bytes from the start.
        at: u64,
    },
    /// A member that is no string.
    #[error("{0} must be a string")]
    NoString(&'static str),
    /// A member that is longer than any that could be right.
    #[error("{0} is longer than {MAX_MEMBER} bytes")]
    TooLong(&'static str),
}

/// The members beside the content.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Members {
    /// Where to write.
    pub path: Option<String>,
    /// How the content is encoded.
    pub encoding: Option<String>,
    /// There was a content.
    pub has_content: bool,
}

/// The content that has been decoded and not been taken yet.
#[derive(Debug, Default)]
pub struct Decoded {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// What came before belongs to an earlier `content`, which a later one replaces.
    pub restarted: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Key,
    Path,
    Encoding,
    Content,
    Other,
}

impl Role {
    fn of_key(key: &[u8]) -> Self {
        match key {
            b"path" => Self::Path,
            b"encoding" => Self::Encoding,
            b"content" => Self::Content,
            _ => Self::Other,
        }
    }

    fn member(self) -> Option<&'static str> {
        match self {
            Self::Path => Some("path"),
            Self::Encoding => Some("encoding"),
            Self::Content => Some("content"),
            Self::Key | Self::Other => None,
        }
    }
}

#[derive(Debug, Clone, Copy)]
enum State {
    Start,
    FirstKey,
    Key,
    Colon,
    FirstElement,
    Value,
    Text(Role),
    Number(Number),
    /// What is still to come of `true`, `false` or `null`.
    Literal(&'static [u8]),
    AfterValue,
    End,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Inside {
    Object,
    Array,
}

/// Reads one body.
#[derive(Debug)]
pub struct Reader {
    state: State,
    inside: Vec<Inside>,
    /// What the member under way is, at the top.
    role: Role,
    text: Text,
    /// A key, or a member that is kept.
    short: Vec<u8>,
    members: Members,
    read: u64,
}

impl Default for Reader {
    fn default() -> Self {
        Self {
            state: State::Start,
            inside: Vec::new(),
            role: Role::Other,
            text: Text::default(),
            short: Vec::new(),
            members: Members::default(),
            read: 0,
        }
    }
}

impl Reader {
    /// Reads on; content that comes is added to `decoded`, at most as much as `input` has.
    pub fn feed(&mut self, input: &[u8], decoded: &mut Decoded) -> Result<(), Fault> {
        let mut at = 0;
        while at < input.len() {
            let rest = &input[at..];
            let used = match self.state {
                State::Text(role) => self.string(role, rest, decoded)?,
                State::Number(number) => self.number(number, rest[0])?,
                State::Literal(expected) => self.literal(expected, rest[0])?,
                state => self.token(state, rest[0], decoded)?,
            };
            at += used;
            self.read += u64::try_from(used).unwrap_or(0);
        }
        Ok(())
    }

    /// The members, when the body is whole. An empty body is one without members.
    pub fn finish(self) -> Result<Members, Fault> {
        match self.state {
            State::Start | State::End => Ok(self.members),
            _ => Err(self.syntax("the body ends too early")),
        }
    }

    /// The path, when it has come already and the body may go on.
    #[must_use]
    pub fn path(&self) -> Option<&str> {
        self.members.path.as_deref()
    }

    fn token(&mut self, state: State, byte: u8, decoded: &mut Decoded) -> Result<usize, Fault> {
        if matches!(byte, b' ' | b'\t' | b'\n' | b'\r') {
            return Ok(1);
        }
        match (state, byte) {
            (State::Start, b'{') => self.open(Inside::Object)?,
            (State::FirstKey | State::Key, b'"') => self.begin_text(Role::Key),
            (State::Colon, b':') => self.state = State::Value,
            (State::AfterValue, b',') if self.inside.last() == Some(&Inside::Object) => self.state = State::Key,
            (State::AfterValue, b',') => self.state = State::Value,
            (State::FirstKey, b'}') | (State::FirstElement, b']') => self.close(),
            (State::AfterValue, b'}') if self.inside.last() == Some(&Inside::Object) => self.close(),
            (State::AfterValue, b']') if self.inside.last() == Some(&Inside::Array) => self.close(),
            (State::Value | State::FirstElement, byte) => self.value(byte, decoded)?,
            (State::Start, _) => return Err(self.syntax("expected an object")),
            (State::End, _) => return Err(self.syntax("something follows the object")),
            _ => return Err(self.syntax("expected another character")),
        }
        Ok(1)
    }

    fn value(&mut self, byte: u8, decoded: &mut Decoded) -> Result<(), Fault> {
        let role = if self.inside.len() == 1 { self.role } else { Role::Other };
        if byte == b'"' {
            if role == Role::Content {
                decoded.restarted |= self.members.has_content;
                decoded.bytes.clear();
                self.members.has_content = true;
            }
            self.begin_text(role);
            return Ok(());
        }
        match (role, byte) {
            // "No encoding" may be written so.
            (Role::Encoding, b'n') => self.members.encoding = None,
            (role, _) => role.member().map_or(Ok(()), |member| Err(Fault::NoString(member)))?,
        }
        match byte {
            b'{' => self.open(Inside::Object),
            b'[' => self.open(Inside::Array),
            b't' => self.begin(State::Literal(b"rue")),
            b'f' => self.begin(State::Literal(b"alse")),
            b'n' => self.begin(State::Literal(b"ull")),
            byte => {
                let number = Number::begin(byte).ok_or_else(|| self.syntax("expected a value"))?;
                self.begin(State::Number(number))
            }
        }
    }

    fn begin(&mut self, state: State) -> Result<(), Fault> {
        self.state = state;
        Ok(())
    }

    fn begin_text(&mut self, role: Role) {
        self.text = Text::default();
        self.short.clear();
        self.state = State::Text(role);
    }

    fn open(&mut self, inside: Inside) -> Result<(), Fault> {
        if self.inside.len() >= MAX_DEPTH {
            return Err(self.syntax("too many values in each other"));
        }
        self.inside.push(inside);
        self.state = if inside == Inside::Object { State::FirstKey } else { State::FirstElement };
        Ok(())
    }

    fn close(&mut self) {
        self.inside.pop();
        self.state = if self.inside.is_empty() { State::End } else { State::AfterValue };
    }

    fn string(&mut self, role: Role, input: &[u8], decoded: &mut Decoded) -> Result<usize, Fault> {
        let sink = if role == Role::Content { &mut decoded.bytes } else { &mut self.short };
        let ended = self.text.push(input, sink).map_err(|reason| self.syntax(reason))?;
        match role {
            Role::Content => {}
            Role::Other => self.short.clear(),
            // No key that is known is so long.
            Role::Key => self.short.truncate(MAX_MEMBER),
            Role::Path | Role::Encoding if self.short.len() > MAX_MEMBER => {
                return Err(Fault::TooLong(role.member().unwrap_or_default()));
            }
            Role::Path | Role::Encoding => {}
        }
        if ended.is_some() {
            self.end_text(role);
        }
        Ok(ended.unwrap_or(input.len()))
    }

    fn end_text(&mut self, role: Role) {
        self.state = State::AfterValue;
        let text = || String::from_utf8_lossy(&self.short).into_owned();
        match role {
            Role::Key => {
                self.role = Role::of_key(&self.short);
                self.state = State::Colon;
            }
            Role::Path => self.members.path = Some(text()),
            Role::Encoding => self.members.encoding = Some(text()),
            Role::Content | Role::Other => {}
        }
    }

    fn number(&mut self, number: Number, byte: u8) -> Result<usize, Fault> {
        match number.next(byte) {
            Some(next) => {
                self.state = State::Number(next);
                Ok(1)
            }
            None if number.is_whole() => {
                self.state = State::AfterValue;
                Ok(0)
            }
            None => Err(self.syntax("not a number")),
        }
    }

    fn literal(&mut self, expected: &'static [u8], byte: u8) -> Result<usize, Fault> {
        match expected {
            [first, rest @ ..] if *first == byte => {
                self.state = if rest.is_empty() { State::AfterValue } else { State::Literal(rest) };
                Ok(1)
            }
            _ => Err(self.syntax("expected true, false or null")),
        }
    }

    fn syntax(&self, reason: Broken) -> Fault {
        Fault::Syntax { reason, at: self.read }
    }
}
