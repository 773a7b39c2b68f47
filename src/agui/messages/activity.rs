//! Activities: messages whose content is structured and changes.

use serde_json::{Map, Value};

use super::{Messages, edit};
use crate::agui::{Event, Id, Message, patch};

impl Messages {
    /// An activity is shown, or shown anew. Its metadata is kept; everything else comes from the event.
    pub(super) fn set_activity(
        &mut self,
        id: &Id,
        activity_type: &str,
        content: &Map<String, Value>,
        replaces: bool,
        event: &Event,
    ) {
        let activity = |metadata| Message::Activity {
            id: id.clone(),
            activity_type: activity_type.to_owned(),
            content: content.clone(),
            metadata,
            subagent_run_id: event.subagent_run_id.clone(),
        };
        match self.get_mut(id) {
            None => self.push(activity(event.metadata.clone())),
            Some(message) if replaces => {
                let kept = match message {
                    Message::Activity { metadata, .. } => metadata.take(),
                    _ => None,
                };
                *message = activity(kept);
                edit::merge(edit::metadata(message), event.metadata.as_ref());
            }
            Some(Message::Activity { metadata, .. }) => {
                edit::merge(metadata, event.metadata.as_ref());
            }
            Some(_) => {}
        }
    }

    /// An activity changes. A patch that does not apply leaves it as it is; one that makes
    /// something else than an object of it empties it.
    pub(super) fn patch_activity(&mut self, id: &Id, new_type: &str, changes: &[Value], event: &Event) {
        let Some(Message::Activity { activity_type, content, metadata, .. }) = self.get_mut(id) else {
            return;
        };
        edit::merge(metadata, event.metadata.as_ref());
        let mut document = Value::Object(std::mem::take(content));
        let applied = patch::apply(&mut document, changes);
        if let Value::Object(members) = document {
            *content = members;
        }
        if applied.is_ok() {
            new_type.clone_into(activity_type);
        }
    }
}
