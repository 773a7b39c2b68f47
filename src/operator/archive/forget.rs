//! Deleting what a bucket has of a session.

use std::sync::Arc;

use futures_util::TryStreamExt;

use super::{Inner, paths, retry};
use crate::{agui::Id, operator::history::key};

impl Inner {
    /// Deletes everything of a session, which is not here any more. A crash before the end leaves `session.json`, and the next
    /// operator forgets the session again.
    pub(super) fn forget(self: &Arc<Self>, uid: &str, threads: &[Id]) {
        for thread in threads {
            if let Some(thread) = self.threads().remove(&key(uid, thread)) {
                thread.gone.cancel();
            }
        }
        let (archive, uid) = (Arc::clone(self), uid.to_owned());
        self.tasks.spawn(async move {
            // Nothing that is being written comes after the deletion.
            archive.noted(&uid).await;
            retry::until_done("delete events", || archive.delete(&uid)).await;
            archive.notes().remove(&uid);
        });
    }

    async fn delete(&self, uid: &str) -> object_store::Result<()> {
        let note = paths::session(&self.bucket.prefix, uid);
        let mut objects = self.bucket.list(&paths::folder(&self.bucket.prefix, uid));
        while let Some(object) = objects.try_next().await? {
            if object != note {
                self.bucket.delete(&object).await?;
            }
        }
        // Last, so that what a crash leaves is found again.
        self.bucket.delete(&note).await
    }
}
