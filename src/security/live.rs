//! One text that is redacted while new values become known.

use std::{borrow::Cow, sync::Arc};

use super::{
    Redactor,
    lane::{self, Lane},
    rules::Rules,
};

/// A [`Lane`] that takes up values which are added to its redactor while the text goes on.
///
/// What an older lane has not decided yet goes on through it, and what it lets out goes through the newer one: both look at
/// the whole of what follows, so nothing that either knows gets out. An older lane is dropped when it holds nothing.
#[derive(Default)]
pub(crate) struct LiveLane {
    current: Option<(Arc<Rules>, Lane)>,
    /// Oldest first; nearly always empty.
    older: Vec<(Arc<Rules>, Lane)>,
}

impl std::fmt::Debug for LiveLane {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LiveLane").field("older", &self.older.len()).finish_non_exhaustive()
    }
}

impl LiveLane {
    /// Reads the next piece and returns what can go out now.
    pub(crate) fn push<'a>(&mut self, redactor: &Redactor, piece: &'a str) -> Cow<'a, str> {
        self.take_up(redactor);
        if !self.older.is_empty() {
            let mut out = Vec::with_capacity(piece.len());
            self.push_chain(piece.as_bytes(), &mut out);
            return Cow::Owned(lane::text(out));
        }
        match &mut self.current {
            Some((rules, lane)) => lane.push(rules, piece),
            None => Cow::Borrowed(""),
        }
    }

    /// Reads the next piece and appends what can go out now.
    pub(crate) fn push_bytes(&mut self, redactor: &Redactor, piece: &[u8], out: &mut Vec<u8>) {
        self.take_up(redactor);
        self.push_chain(piece, out);
    }

    fn push_chain(&mut self, piece: &[u8], out: &mut Vec<u8>) {
        let mut piece = Cow::Borrowed(piece);
        for (rules, lane) in &mut self.older {
            let mut let_out = Vec::with_capacity(piece.len());
            lane.push_bytes(rules, &piece, &mut let_out);
            piece = Cow::Owned(let_out);
        }
        self.older.retain(|(_, lane)| !lane.is_at_rest());
        if let Some((rules, lane)) = &mut self.current {
            lane.push_bytes(rules, &piece, out);
        }
    }

    /// Lets everything go out although it may be the start of a secret.
    pub(crate) fn flush(&mut self, redactor: &Redactor, out: &mut Vec<u8>) {
        self.take_up(redactor);
        let mut held = Vec::new();
        for (rules, lane) in &mut self.older {
            let mut let_out = Vec::new();
            lane.push_bytes(rules, &held, &mut let_out);
            lane.flush(rules, &mut let_out);
            held = let_out;
        }
        if let Some((rules, lane)) = &mut self.current {
            lane.push_bytes(rules, &held, out);
            lane.flush(rules, out);
        }
        self.older.retain(|(_, lane)| !lane.is_at_rest());
    }

    /// [`flush`](Self::flush) as text.
    pub(crate) fn flush_text(&mut self, redactor: &Redactor) -> String {
        let mut out = Vec::new();
        self.flush(redactor, &mut out);
        lane::text(out)
    }

    /// Whether nothing is held back.
    pub(crate) fn is_empty(&self) -> bool {
        self.current.iter().chain(&self.older).all(|(_, lane)| lane.is_empty())
    }

    /// Goes on with the redactor's newest rules.
    fn take_up(&mut self, redactor: &Redactor) {
        if let Some((rules, _)) = &self.current
            && redactor.is_current(rules)
        {
            return;
        }
        let new = (redactor.rules(), Lane::default());
        if let Some((rules, lane)) = self.current.replace(new)
            && !lane.is_at_rest()
        {
            self.older.push((rules, lane));
        }
    }
}
