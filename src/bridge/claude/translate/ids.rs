//! The AG-UI ids of what one API message contains.

use crate::agui::Id;

/// Gives out the ids of one API message.
#[derive(Debug)]
pub(super) struct MessageIds {
    base: Id,
    texts: u32,
    thoughts: u32,
    /// The message that tool calls belong to.
    parent: Id,
    /// A tool call took `base` as its parent before there was a text.
    base_taken: bool,
    /// The message came whole, not as a stream.
    whole: bool,
}

impl MessageIds {
    /// The ids of a message that is streamed.
    pub(super) fn new(base: Id) -> Self {
        Self { parent: base.clone(), base, texts: 0, thoughts: 0, base_taken: false, whole: false }
    }

    /// The ids of a message that comes whole.
    pub(super) fn whole(base: Id) -> Self {
        Self { whole: true, ..Self::new(base) }
    }

    pub(super) fn is_whole(&self) -> bool {
        self.whole
    }

    /// The id of the next text.
    pub(super) fn next_text(&mut self) -> Id {
        if self.base_taken && self.texts == 0 {
            self.texts = 1;
        }
        self.texts += 1;
        self.parent = numbered(&self.base, "", self.texts);
        self.parent.clone()
    }

    /// The id of the next reasoning.
    pub(super) fn next_thought(&mut self) -> Id {
        self.thoughts += 1;
        numbered(&self.base, "-reasoning", self.thoughts)
    }

    /// The message that the next tool call belongs to.
    pub(super) fn tool_parent(&mut self) -> Id {
        self.base_taken |= self.texts == 0;
        self.parent.clone()
    }
}

fn numbered(base: &Id, kind: &str, count: u32) -> Id {
    match (count, kind) {
        (1, "") => base.clone(),
        (1, _) => Id::from(format!("{base}{kind}")),
        _ => Id::from(format!("{base}{kind}-{count}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_and_thoughts_of_a_message_have_ids_of_their_own() {
        let mut ids = MessageIds::new("m".into());
        let texts: Vec<Id> = (0..3).map(|_| ids.next_text()).collect();
        assert_eq!(texts, ["m", "m-2", "m-3"].map(Id::from));
        assert_eq!([ids.next_thought(), ids.next_thought()], ["m-reasoning", "m-reasoning-2"].map(Id::from));
        assert_eq!(ids.tool_parent(), "m-3".into());
    }

    #[test]
    fn a_text_after_a_tool_call_does_not_take_the_id_that_the_call_made_a_message_of() {
        let mut ids = MessageIds::new("m".into());
        assert_eq!(ids.tool_parent(), "m".into());
        assert_eq!(ids.next_text(), "m-2".into());
    }
}
