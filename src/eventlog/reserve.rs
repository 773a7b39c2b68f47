//! A little space for the last words of a run when the disk is full.

use std::{
    io,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use super::{OpenMode, Storage, storage::write_all_at};

/// How long a lost reserve waits for the next attempt to make it again.
const RETRY: Duration = Duration::from_secs(10);

/// `None` while the space is set aside, else when that was last tried or undone, if ever.
type Missing = Option<Option<Instant>>;

/// A file that only takes up space.
#[derive(Debug)]
pub(super) struct Reserve {
    storage: Arc<dyn Storage>,
    path: PathBuf,
    bytes: usize,
    missing: Mutex<Missing>,
}

impl Reserve {
    /// The space that an earlier process set aside; if there is none, the first [`Self::restore`] does it, since a start
    /// should not wait for the disk.
    pub(super) fn new(storage: Arc<dyn Storage>, path: PathBuf, bytes: usize) -> Self {
        let there = storage.open(&path, OpenMode::Existing).and_then(|file| file.length());
        let full = bytes == 0 || there.is_ok_and(|length| length == bytes as u64);
        let missing = Mutex::new((!full).then_some(None));
        Self { storage, path, bytes, missing }
    }

    /// Gives the space up; false if there was none.
    pub(super) fn release(&self) -> bool {
        let mut missing = self.lock();
        let released = self.bytes > 0 && missing.is_none() && self.truncate().is_ok();
        *missing = Some(Some(Instant::now()));
        released
    }

    /// Sets the space aside again, if it is missing and the last attempt is a while ago.
    pub(super) fn restore(&self) {
        let mut missing = self.lock();
        let due = |since: Option<Instant>| since.is_none_or(|since| since.elapsed() >= RETRY);
        if missing.is_some_and(due) {
            *missing = self.make().err().map(|_| Some(Instant::now()));
        }
    }

    /// Zeros are written, since a mere length would reserve nothing.
    fn make(&self) -> io::Result<()> {
        let file = self.storage.open(&self.path, OpenMode::Any)?;
        if file.length()? == self.bytes as u64 {
            return Ok(());
        }
        let written = write_all_at(&*file, &vec![0; self.bytes], 0).and_then(|()| file.sync());
        if written.is_err() {
            // Do not hold on to the little space that others need now.
            let _ = file.set_length(0);
        }
        written
    }

    fn truncate(&self) -> io::Result<()> {
        self.storage.open(&self.path, OpenMode::Empty).map(|_| ())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Missing> {
        self.missing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
