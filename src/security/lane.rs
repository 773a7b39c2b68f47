//! Redaction of one text that arrives in pieces.
//!
//! The result never depends on where the pieces were cut: which bytes are secret is a property of the whole text (all
//! places where a pattern matches, also those inside each other), and a byte goes out as soon as no pattern that is
//! still undecided could take it in.

use std::borrow::Cow;

use super::{
    boundary::Before,
    prefix::State,
    rules::Rules,
    spans::{Span, Spans},
    tail::{At, NOWHERE, Step, Thread},
};

/// The state of one text. It belongs to the [`Rules`] that its first piece was read with.
#[derive(Debug, Default)]
pub(crate) struct Lane {
    state: State,
    /// Length of the text so far.
    end: At,
    /// The end of the text so far, which was not released.
    pending: Vec<u8>,
    /// What came before `pending`.
    before: Before,
    /// Places where a pattern has begun to match.
    threads: Vec<Thread>,
    /// What is secret from `pending` on.
    spans: Spans,
    /// Where text was released although it was undecided: no span starts before.
    flushed: At,
    /// Whether anything was replaced.
    redacted: bool,
}

impl Lane {
    /// Reads the next piece and returns what can go out now: of `piece` itself, if that is a (whole or shortened)
    /// unchanged `piece`.
    pub(crate) fn push<'a>(&mut self, rules: &Rules, piece: &'a str) -> Cow<'a, str> {
        if self.threads.is_empty() {
            let (state, _) = rules.prefixes.skip(self.state, piece.as_bytes());
            if !state.is_hit() {
                return self.pass(rules, state, piece);
            }
        }
        let mut out = Vec::with_capacity(self.pending.len() + piece.len() + 32);
        self.push_bytes(rules, piece.as_bytes(), &mut out);
        Cow::Owned(text(out))
    }

    /// Lets a piece in which no pattern begins to match go out, but for an end that may be the start of one.
    fn pass<'a>(&mut self, rules: &Rules, state: State, piece: &'a str) -> Cow<'a, str> {
        self.state = state;
        self.end += piece.len();
        if !self.pending.is_empty() {
            self.pending.extend_from_slice(piece.as_bytes());
            let mut out = Vec::with_capacity(self.pending.len());
            self.release(rules, self.hold(rules), &mut out);
            return Cow::Owned(text(out));
        }
        let held = self.held_by_prefix(rules, piece.as_bytes());
        let (now, later) = piece.split_at_checked(piece.len() - held).unwrap_or(("", piece));
        self.pending.extend_from_slice(later.as_bytes());
        self.before.push(now.as_bytes());
        Cow::Borrowed(now)
    }

    /// Reads the next piece and appends what can go out now.
    pub(crate) fn push_bytes(&mut self, rules: &Rules, piece: &[u8], out: &mut Vec<u8>) {
        let mut at = self.pending.len();
        self.pending.extend_from_slice(piece);
        while at < self.pending.len() {
            if self.threads.is_empty() {
                let (state, taken) = rules.prefixes.skip(self.state, &self.pending[at..]);
                self.state = state;
                at += taken;
                self.end += taken;
            } else {
                let byte = self.pending[at];
                self.step_threads(rules, byte);
                self.state = rules.prefixes.step(self.state, byte);
                at += 1;
                self.end += 1;
            }
            if self.state.is_hit() {
                self.start_threads(rules, at);
            }
        }
        let hold = self.hold(rules);
        self.release(rules, hold, out);
    }

    /// Lets everything go out although it may be the start of a secret. If it was, what follows of it in later pieces
    /// is still replaced.
    pub(crate) fn flush(&mut self, rules: &Rules, out: &mut Vec<u8>) {
        self.release(rules, NOWHERE, out);
        self.flushed = self.end;
        for thread in &mut self.threads {
            if !thread.matched && thread.hold != NOWHERE {
                thread.start = self.end;
                thread.hold = self.end;
            } else if thread.matched {
                thread.hold = NOWHERE;
            }
        }
    }

    /// Whether what has come decides nothing about what follows.
    pub(crate) fn is_at_rest(&self) -> bool {
        let nothing_begun = self.state == State::default() && self.threads.is_empty();
        nothing_begun && self.pending.is_empty() && self.spans.as_slice().is_empty()
    }

    /// Whether nothing is held back.
    pub(crate) fn is_empty(&self) -> bool {
        self.pending.is_empty()
    }

    /// Whether anything was replaced.
    pub(crate) fn has_redacted(&self) -> bool {
        self.redacted
    }

    fn step_threads(&mut self, rules: &Rules, byte: u8) {
        let (at, spans) = (self.end, &mut self.spans);
        self.threads.retain_mut(|thread| {
            let pattern = &rules.patterns[thread.pattern];
            let step = pattern.tail.step(thread, byte, at);
            let end = match step {
                Step::More => return true,
                Step::Cover | Step::CoverLast => at + 1,
                Step::CoverBefore => at,
                Step::End => return false,
            };
            spans.add(Span { start: thread.start, end, pattern: thread.pattern, exact: pattern.exact });
            step == Step::Cover
        });
    }

    /// Starts the patterns whose prefix ends at `pending[..at]`.
    fn start_threads(&mut self, rules: &Rules, at: usize) {
        for index in rules.prefixes.hits(self.state) {
            let pattern = &rules.patterns[*index];
            let is_word = || self.before.starts_word(&self.pending[..at], pattern.prefix_len());
            let is_covered = |thread: &Thread| thread.pattern == *index && pattern.tail.covers_later(thread);
            if (!pattern.at_boundary || is_word()) && !self.threads.iter().any(is_covered) {
                let start = (self.end + pattern.keep).saturating_sub(pattern.prefix_len());
                self.threads.push(pattern.thread(*index, start.max(self.flushed)));
            }
        }
    }

    fn held_by_prefix(&self, rules: &Rules, text: &[u8]) -> usize {
        rules.prefixes.held(self.state, |back| self.before.starts_word(text, back)).min(text.len())
    }

    /// From where on text must wait.
    fn hold(&self, rules: &Rules) -> At {
        let by_prefix = self.end - self.held_by_prefix(rules, &self.pending);
        self.threads.iter().map(|thread| thread.hold).fold(by_prefix, At::min)
    }

    /// Lets all text before `hold` go out, with the secrets replaced.
    fn release(&mut self, rules: &Rules, hold: At, out: &mut Vec<u8>) {
        let base = self.end - self.pending.len();
        let mut at = base;
        let mut done = 0;
        for span in self.spans.as_slice() {
            // A span that starts before `at` goes on from one that was replaced already.
            if span.start >= at {
                let unnamed = span.start == hold && self.may_be_known(rules, span.start);
                if span.start > hold || unnamed {
                    break;
                }
                out.extend_from_slice(&self.pending[at - base..span.start - base]);
                out.extend_from_slice(rules.patterns[span.pattern].marker.as_bytes());
                self.redacted = true;
            }
            at = at.max(span.end);
            done += 1;
        }
        self.spans.forget(done);
        let until = hold.min(self.end).max(at);
        out.extend_from_slice(&self.pending[at - base..until - base]);
        self.before.push(&self.pending[..until - base]);
        self.pending.drain(..until - base);
    }

    /// Whether a known value may still turn out to start there, and would name the span.
    fn may_be_known(&self, rules: &Rules, start: At) -> bool {
        self.threads.iter().any(|thread| thread.start == start && rules.patterns[thread.pattern].exact)
    }
}

/// Text is only ever cut between characters.
pub(super) fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}
