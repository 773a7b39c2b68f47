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

/// A file that only takes up space.
#[derive(Debug)]
pub(super) struct Reserve {
    storage: Arc<dyn Storage>,
    path: PathBuf,
    bytes: usize,
    /// When it was last missing; `None` while it is there.
    missing: Mutex<Option<Instant>>,
}

impl Reserve {
    /// Sets the space aside. On a disk that is already full there is none until there is space.
    pub(super) fn new(storage: Arc<dyn Storage>, path: PathBuf, bytes: usize) -> Self {
        let reserve = Self {
            storage,
            path,
            bytes,
            missing: Mutex::new(None),
        };
        let made = reserve.make();
        *reserve.lock() = made.err().map(|_| Instant::now());
        reserve
    }

    /// Gives the space up; false if there was none.
    pub(super) fn release(&self) -> bool {
        let mut missing = self.lock();
        let released = missing.is_none() && self.truncate().is_ok();
        *missing = Some(Instant::now());
        released
    }

    /// Sets the space aside again, if it is missing for a while.
    pub(super) fn restore(&self) {
        let mut missing = self.lock();
        if missing.is_some_and(|since| since.elapsed() >= RETRY) {
            *missing = self.make().err().map(|_| Instant::now());
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

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Instant>> {
        self.missing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
