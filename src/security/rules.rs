//! Everything that is looked for, compiled.

use std::collections::BTreeMap;

use super::{
    Credential,
    boundary::MAX_PREFIX,
    credentials::is_secret_value,
    forms::{Form, READABLE_DIGITS, forms},
    patterns::{PATTERNS, TokenPattern},
    pem::Pem,
    prefix::{Held, MIN_PREFIX, Prefix, Prefixes},
    tail::{At, NOWHERE, Tail, Thread},
};

/// That many first bytes of a known value are looked for; the rest is compared where they occur. More would make the
/// automaton larger, fewer would make it stop more often.
const EXACT_PREFIX: usize = 4;
/// The same as a count of bytes read.
const EXACT_PREFIX_READ: u32 = 4;
const _: () = assert!(EXACT_PREFIX_READ as usize == EXACT_PREFIX && READABLE_DIGITS == EXACT_PREFIX);
/// Longest name in a replacement, in bytes.
const MAX_NAME: usize = 64;

/// All patterns and the automaton of their first bytes.
pub(crate) struct Rules {
    pub(super) patterns: Vec<Pattern>,
    pub(super) prefixes: Prefixes,
    /// Whether a known value looks like a number, so that numbers must be looked at.
    pub(super) numeric: bool,
}

/// One pattern.
pub(super) struct Pattern {
    /// What it becomes.
    pub(super) marker: String,
    /// Whether it is a known value.
    pub(super) exact: bool,
    pub(super) at_boundary: bool,
    /// What it starts with.
    prefix: Box<[u8]>,
    /// So many bytes of the prefix stay readable: none, or all.
    pub(super) keep: usize,
    pub(super) tail: Tail,
}

// The bytes before a prefix must still be known when its last byte is read.
const _: () = {
    let mut i = 0;
    while i < PATTERNS.len() {
        assert!(!PATTERNS[i].at_boundary || PATTERNS[i].prefix.len() <= MAX_PREFIX);
        assert!(PATTERNS[i].prefix.len() >= MIN_PREFIX);
        assert!(PATTERNS[i].keep == 0 || PATTERNS[i].keep == PATTERNS[i].prefix.len());
        i += 1;
    }
};

impl Rules {
    /// The well-known shapes and the values of `credentials`.
    pub(super) fn new(credentials: impl IntoIterator<Item = Credential>) -> Self {
        let mut known = BTreeMap::new();
        let mut numeric = false;
        for credential in credentials {
            let value = credential.value.expose().trim();
            if is_secret_value(value) {
                numeric |= value.bytes().all(|byte| b"0123456789.-+eE".contains(&byte));
                for (text, form) in forms(value) {
                    known.entry(text).or_insert_with(|| (form, marker(&credential.name)));
                }
            }
        }
        let known = known.into_iter();
        let known = known.map(|(text, (form, marker))| Pattern::exact(text.as_bytes(), form, marker));
        let patterns: Vec<_> = known.chain(PATTERNS.iter().map(Pattern::shape)).collect();
        let prefixes = Prefixes::new(&patterns.iter().map(Pattern::prefix).collect::<Vec<_>>());
        Self { patterns, prefixes, numeric }
    }
}

impl Pattern {
    fn exact(text: &[u8], form: Form, marker: String) -> Self {
        let tail = if form.wraps { Tail::Wrapped(text.into()) } else { Tail::Exact(text.into()) };
        Self { marker, exact: true, at_boundary: false, prefix: text[..EXACT_PREFIX].into(), keep: form.keep, tail }
    }

    fn shape(shape: &TokenPattern) -> Self {
        Self {
            marker: marker(shape.label),
            exact: false,
            at_boundary: shape.at_boundary,
            prefix: shape.prefix.as_bytes().into(),
            keep: shape.keep,
            tail: shape.tail.clone(),
        }
    }

    /// How the automaton is to look for it.
    fn prefix(&self) -> Prefix<'_> {
        let held = match (self.keep, self.at_boundary) {
            (0, true) => Held::AtBoundary,
            (0, false) => Held::Anywhere,
            _ => Held::Never,
        };
        Prefix { bytes: &self.prefix, held }
    }

    pub(super) fn prefix_len(&self) -> usize {
        self.prefix.len()
    }

    /// A thread of this pattern, whose prefix was read.
    pub(super) fn thread(&self, pattern: usize, start: At) -> Thread {
        let mut thread = Thread { pattern, start, hold: start, matched: false, count: 0, stage: 0 };
        match self.tail {
            Tail::Exact(_) | Tail::Wrapped(_) => thread.count = EXACT_PREFIX_READ,
            Tail::Pem => thread.stage = Pem::FIRST_STAGE,
            // The user's name stays readable.
            Tail::UserInfo => thread.hold = NOWHERE,
            Tail::Run(_) | Tail::Jwt => {}
        }
        thread
    }
}

/// What replaces a secret of this name. Only letters, digits, `_`, `.` and `-` of the name are used.
fn marker(name: &str) -> String {
    let plain = name.chars().filter(|c| c.is_ascii_alphanumeric() || "_.-".contains(*c));
    let name: String = plain.take(MAX_NAME).collect();
    format!("[redacted:{}]", if name.is_empty() { "secret" } else { &name })
}
