//! Redaction of a text that arrives in pieces.

use std::{borrow::Cow, sync::Arc};

use super::{Redactor, live::LiveLane};

/// Redacts one text piece by piece. However it is cut, the pieces that come out join to the redacted whole. Text is held
/// back only while it may be the start of a secret.
#[derive(Debug)]
pub struct StreamRedactor {
    redactor: Arc<Redactor>,
    lane: LiveLane,
}

impl StreamRedactor {
    /// A redactor at the start of a text.
    #[must_use]
    pub fn new(redactor: Arc<Redactor>) -> Self {
        Self { redactor, lane: LiveLane::default() }
    }

    /// The next piece; what comes back can go out. Nothing is allocated unless text was held back or replaced.
    pub fn push<'a>(&mut self, piece: &'a str) -> Cow<'a, str> {
        self.lane.push(&self.redactor, piece)
    }

    /// Lets out what is held back, though the text goes on. If that was the start of a secret, the rest of it will still
    /// be replaced.
    pub fn flush(&mut self) -> String {
        self.lane.flush_text(&self.redactor)
    }

    /// Ends the text; what comes back is its end. The next piece starts a new text.
    pub fn finish(&mut self) -> String {
        let end = self.flush();
        self.lane = LiveLane::default();
        end
    }
}
