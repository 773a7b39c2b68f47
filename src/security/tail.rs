//! What may follow a prefix: small matchers that are fed one byte at a time.
//!
//! A matcher says as early as it can that its text is a secret (so that little is held back), and then goes on to cover
//! what still belongs to it. None looks further ahead than a fixed number of bytes.

use super::{charset::Charset, pem::Pem, wrapped::wrapped};

/// A position in a text, in bytes from its start.
pub(super) type At = usize;

/// The position of nothing: after all text.
pub(super) const NOWHERE: At = At::MAX;

/// Longest header of a JSON Web Token that is waited for.
const MAX_JWT_HEADER: u32 = 4096;
/// This much of a token's second part tells a JSON Web Token from a sentence.
const MIN_JWT_PAYLOAD: u32 = 16;
/// Longest user name and password of a URL that are waited for.
const MAX_USERINFO: u32 = 1024;
/// Shorter passwords in URLs are placeholders.
const MIN_URL_PASSWORD: u32 = 3;

/// A kind of tail.
#[derive(Debug, Clone)]
pub(super) enum Tail {
    /// The rest of a known text (the whole of it, its prefix included).
    Exact(Box<[u8]>),
    /// The same, with line breaks anywhere in the rest.
    Wrapped(Box<[u8]>),
    /// A run of characters.
    Run(Run),
    /// `header.payload.signature` after `eyJ`.
    Jwt,
    /// The rest of a PEM private key after `-----BEGIN `.
    Pem,
    /// `user:password@` after `://`.
    UserInfo,
}

/// A run of characters of one set.
#[derive(Debug, Clone, Copy)]
pub(super) struct Run {
    /// The characters.
    pub(super) set: Charset,
    /// This many of them make it a secret; all that follow belong to it.
    pub(super) min: u32,
    /// One of the first `min` must be a digit: tells a random token from words joined by dashes.
    pub(super) digit: bool,
    /// A dot between two characters of the set belongs to the run.
    pub(super) dotted: bool,
}

/// A place where a prefix was found, and how far its tail has got.
#[derive(Debug, Clone, Copy)]
pub(super) struct Thread {
    /// The pattern, by its index.
    pub(super) pattern: usize,
    /// Where the replaced text starts.
    pub(super) start: At,
    /// Text from here on must not go out yet because of this thread.
    pub(super) hold: At,
    /// Whether it is a secret already.
    pub(super) matched: bool,
    /// How many bytes were read in this stage.
    pub(super) count: u32,
    /// The stage, and notes of the matcher.
    pub(super) stage: u32,
}

/// What one more byte means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// Nothing is decided yet.
    More,
    /// All from the thread's start up to and with this byte is secret, and more may follow.
    Cover,
    /// The same, and nothing more follows.
    CoverLast,
    /// All from the thread's start up to this byte, without it, is secret, and nothing more follows.
    CoverBefore,
    /// Nothing (more) is secret because of this thread.
    End,
}

impl Thread {
    /// Goes to the next stage.
    pub(super) fn enter(&mut self, stage: u32) -> Step {
        self.stage = stage;
        self.count = 0;
        Step::More
    }

    /// It is a secret, this byte included.
    pub(super) fn cover(&mut self) -> Step {
        self.matched = true;
        self.hold = NOWHERE;
        Step::Cover
    }
}

impl Tail {
    /// Reads the byte at `at`.
    pub(super) fn step(&self, thread: &mut Thread, byte: u8, at: At) -> Step {
        thread.count += 1;
        match self {
            Self::Exact(text) => exact(text, thread, byte),
            Self::Wrapped(text) => wrapped(text, thread, byte),
            Self::Run(run) => run.step(thread, byte, at),
            Self::Jwt => jwt(thread, byte, at),
            Self::Pem => Pem::step(thread, byte, at),
            Self::UserInfo => userinfo(thread, byte, at),
        }
    }

    /// Whether a later thread of the same pattern would cover nothing that this one does not: both end with the run of
    /// characters that they are in. So there are never more threads than patterns, for long, and time stays linear. (Of
    /// tokens inside the header of another one only the outer is looked at.)
    pub(super) fn covers_later(&self, thread: &Thread) -> bool {
        match self {
            Self::Run(_) => thread.matched,
            Self::Jwt => true,
            Self::Exact(_) | Self::Wrapped(_) | Self::Pem | Self::UserInfo => false,
        }
    }
}

pub(super) fn exact(text: &[u8], thread: &Thread, byte: u8) -> Step {
    let read = thread.count as usize;
    match text.get(read - 1) {
        Some(expected) if *expected == byte && read == text.len() => Step::CoverLast,
        Some(expected) if *expected == byte => Step::More,
        _ => Step::End,
    }
}

impl Run {
    fn step(&self, thread: &mut Thread, byte: u8, at: At) -> Step {
        if thread.matched {
            return self.extend(thread, byte, at);
        }
        if !self.set.contains(byte) {
            return Step::End;
        }
        thread.stage |= u32::from(byte.is_ascii_digit());
        match thread.count {
            count if count < self.min => Step::More,
            _ if self.digit && thread.stage == 0 => Step::End,
            _ => thread.cover(),
        }
    }

    /// A dot waits for the byte after it.
    fn extend(&self, thread: &mut Thread, byte: u8, at: At) -> Step {
        if self.set.contains(byte) {
            thread.cover()
        } else if byte == b'.' && self.dotted && thread.hold == NOWHERE {
            thread.hold = at;
            Step::More
        } else {
            Step::End
        }
    }
}

fn jwt(thread: &mut Thread, byte: u8, at: At) -> Step {
    const HEADER: u32 = 0;
    const SIGNATURE: Run = Run { set: Charset::TOKEN, min: 0, digit: false, dotted: true };
    if thread.matched {
        return SIGNATURE.extend(thread, byte, at);
    }
    let in_header = thread.stage == HEADER;
    match byte {
        b'.' if in_header && thread.count > 8 => thread.enter(HEADER + 1),
        _ if !Charset::TOKEN.contains(byte) => Step::End,
        _ if in_header && thread.count > MAX_JWT_HEADER => Step::End,
        _ if !in_header && thread.count >= MIN_JWT_PAYLOAD => thread.cover(),
        _ => Step::More,
    }
}

fn userinfo(thread: &mut Thread, byte: u8, at: At) -> Step {
    const USER: u32 = 0;
    let in_user = thread.stage == USER;
    match byte {
        b':' if in_user => {
            thread.start = at + 1;
            thread.hold = at + 1;
            thread.enter(USER + 1)
        }
        b'@' if !in_user && thread.count > MIN_URL_PASSWORD => Step::CoverBefore,
        // A variable of a shell or a template, not a password.
        b'$' if thread.count == 1 => Step::End,
        _ if thread.count > MAX_USERINFO || !Charset::USERINFO.contains(byte) => Step::End,
        _ => Step::More,
    }
}
