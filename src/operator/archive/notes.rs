//! Whose events they are, written down in the bucket: one write at a time for a session, always of what is known by then.

use std::{
    collections::HashMap,
    sync::{Arc, MutexGuard, PoisonError},
};

use bytes::Bytes;
use tokio::sync::watch;

use super::{Inner, paths, retry};

/// What is known of a session's note.
#[derive(Default)]
pub(super) struct Note {
    /// Counts what was asked for.
    wanted: u64,
    /// The last of them that the bucket has.
    written: watch::Sender<u64>,
    has_writer: bool,
}

impl Inner {
    /// Has what is known of a session written down.
    pub(super) fn note(self: &Arc<Self>, uid: &str) {
        let mut notes = self.notes();
        let note = notes.entry(uid.to_owned()).or_default();
        note.wanted += 1;
        if !note.has_writer {
            note.has_writer = true;
            let (archive, uid) = (Arc::clone(self), uid.to_owned());
            self.tasks.spawn(async move { archive.write_down(&uid).await });
        }
    }

    /// The bucket knows what is known of a session.
    pub(super) fn is_noted(&self, uid: &str) {
        self.notes().entry(uid.to_owned()).or_default();
    }

    /// Until the bucket knows what was known of a session when this was called.
    pub(super) async fn noted(&self, uid: &str) {
        let Some((wanted, mut written)) = self.notes().get(uid).map(|note| (note.wanted, note.written.subscribe()))
        else {
            return;
        };
        // An error: it is forgotten, and nobody waits for it.
        let _ = written.wait_for(|written| *written >= wanted).await;
    }

    async fn write_down(&self, uid: &str) {
        let path = paths::session(&self.bucket.prefix, uid);
        while let Some(wanted) = self.next_note(uid) {
            // None: it is forgotten here, and is about to be forgotten there.
            if let Some(kept) = self.sessions.get(uid) {
                let content = Bytes::from(serde_json::to_vec(&kept).unwrap_or_default());
                retry::until_done("take whose events they are", || self.bucket.write(&path, content.clone())).await;
            }
            if let Some(note) = self.notes().get(uid) {
                note.written.send_replace(wanted);
            }
        }
    }

    /// What is to be written; none, and nobody writes any more, when all is.
    fn next_note(&self, uid: &str) -> Option<u64> {
        let mut notes = self.notes();
        let note = notes.get_mut(uid)?;
        let is_due = *note.written.borrow() < note.wanted;
        note.has_writer = is_due;
        is_due.then_some(note.wanted)
    }

    pub(super) fn notes(&self) -> MutexGuard<'_, HashMap<String, Note>> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
