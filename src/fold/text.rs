//! The last text of the agent: the result of a run whose outcome names none.

use super::{MAX_RESULT_BYTES, is_assistant};
use crate::agui::{EventKind, Id};

/// The beginning of the assistant's last message, one byte longer than what is shown, so that a cut is seen.
#[derive(Debug, Clone, Default)]
pub(super) struct LastText {
    open: Option<Id>,
    is_fresh: bool,
    text: String,
}

impl LastText {
    /// Takes an event of the main agent.
    pub(super) fn take(&mut self, kind: &EventKind) {
        match kind {
            EventKind::TextMessageStart { message_id, role, .. } => {
                self.begin(is_assistant(*role).then(|| message_id.clone()));
            }
            EventKind::TextMessageContent { message_id, delta } if self.open.as_ref() == Some(message_id) => {
                self.push(delta);
            }
            EventKind::TextMessageChunk { message_id, role, delta, .. } => {
                let is_new = message_id.is_some() && *message_id != self.open;
                if is_new {
                    self.begin(message_id.clone().filter(|_| is_assistant(*role)));
                }
                if let Some(delta) = delta.as_deref().filter(|_| self.open.is_some()) {
                    self.push(delta);
                }
            }
            _ => {}
        }
    }

    /// The text, if there was any.
    pub(super) fn get(&self) -> Option<&str> {
        Some(self.text.as_str()).filter(|text| !text.is_empty())
    }

    fn begin(&mut self, message: Option<Id>) {
        self.is_fresh = message.is_some();
        self.open = message;
    }

    /// A message without text does not replace the one before it.
    fn push(&mut self, delta: &str) {
        if self.is_fresh && !delta.is_empty() {
            self.text.clear();
            self.is_fresh = false;
        }
        push_head(&mut self.text, delta, MAX_RESULT_BYTES + 1);
    }
}

/// Appends as much of `more` as brings `text` to `max` bytes, and up to a character more.
pub(super) fn push_head(text: &mut String, more: &str, max: usize) {
    let room = max.saturating_sub(text.len());
    text.push_str(&more[..more.ceil_char_boundary(room)]);
}
