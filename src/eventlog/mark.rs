//! Which numbers may be handed out: the file that keeps a seq from being used twice.
//!
//! Readers see records before they are synced, so a power cut can take records that somebody has seen; their numbers
//! must not come back with other events. Therefore numbers are granted in large steps by a synced file: what a log hands
//! out is always below its grant, and after a power cut numbering goes on at the grant. While the machine stays up the
//! page cache keeps everything, even over `kill -9`; the boot id tells the two apart, and a clean end needs neither.

use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicU64, Ordering},
};

use serde::{Deserialize, Serialize};

use crate::agui::Id;

use super::{LogError, Seq, files::Files, names};

/// The content of `thread.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Mark {
    /// Version of the directory's format.
    version: u32,
    pub(super) thread_id: Id,
    /// The boot in which the log was last written to; `None` if unsynced writes cannot be relied on at all.
    boot: Option<String>,
    /// Numbers below this were handed out or left out: the next record has this number or a higher one.
    pub(super) floor: Seq,
    /// Numbers below this may have been handed out.
    pub(super) granted: Seq,
    /// Whether everything was synced when the last process ended.
    pub(super) clean: bool,
}

impl Mark {
    /// Whether writes that were not synced may be gone.
    pub(super) fn power_cut(&self, boot: Option<&str>) -> bool {
        !self.clean && (boot.is_none() || self.boot.as_deref() != boot)
    }
}

/// The mark of an open log.
#[derive(Debug)]
pub(super) struct MarkFile {
    files: Files,
    boot: Option<String>,
    step: u64,
    mark: Mutex<Mark>,
    /// The grant that is on disk for this boot; 0 until the first record of this process.
    granted: AtomicU64,
}

impl MarkFile {
    /// The mark of a thread, made if there is none.
    pub(super) fn open(files: &Files, id: &Id, step: u64) -> Result<Self, LogError> {
        let boot = files.storage.boot_id();
        let found: Option<Mark> = files.read_json(names::MARK)?;
        let mark = match found {
            Some(mark) => expect_thread(files, id, mark)?,
            None => create(files, id, boot.clone(), step)?,
        };
        let current = !mark.clean && boot.is_some() && mark.boot == boot;
        let granted = AtomicU64::new(if current { mark.granted } else { 0 });
        Ok(Self { files: files.clone(), boot, step, mark: Mutex::new(mark), granted })
    }

    pub(super) fn get(&self) -> Mark {
        self.lock().clone()
    }

    /// Whether unsynced writes of the last process may be gone.
    pub(super) fn power_cut(&self) -> bool {
        self.lock().power_cut(self.boot.as_deref())
    }

    /// Makes sure that the numbers from `first` to `last` may be handed out. Nearly always this only compares two numbers.
    pub(super) fn grant(&self, first: Seq, last: Seq) -> Result<(), LogError> {
        if last < self.granted.load(Ordering::Acquire) {
            return Ok(());
        }
        let mut mark = self.lock();
        if last < self.granted.load(Ordering::Acquire) {
            return Ok(());
        }
        let granted = (last + 1 + self.step).max(mark.granted);
        let floor = first.max(mark.floor);
        self.store(&mut mark, floor, granted, false)?;
        self.granted.store(granted, Ordering::Release);
        Ok(())
    }

    /// Extends a grant that is half used, so that [`Self::grant`] does not wait for the disk.
    pub(super) fn extend(&self, last: Seq) -> Result<(), LogError> {
        let granted = self.granted.load(Ordering::Acquire);
        if granted > 0 && last + self.step / 2 >= granted { self.grant(0, granted) } else { Ok(()) }
    }

    /// Writes down that everything up to `last` is synced and nothing follows.
    pub(super) fn finish(&self, last: Seq) -> Result<(), LogError> {
        let mut mark = self.lock();
        self.store(&mut mark, last + 1, last + 1, true)?;
        self.granted.store(0, Ordering::Release);
        Ok(())
    }

    /// Writes down, if the disk still can, that unsynced writes are not to be relied on.
    pub(super) fn distrust(&self) {
        let mut mark = self.lock();
        let doubtful = Mark { boot: None, clean: false, ..mark.clone() };
        if self.files.write_json(names::MARK, &doubtful).is_ok() {
            *mark = doubtful;
        }
        self.granted.store(0, Ordering::Release);
    }

    fn store(&self, mark: &mut Mark, floor: Seq, granted: Seq, clean: bool) -> Result<(), LogError> {
        let next = Mark { boot: self.boot.clone(), floor, granted, clean, ..mark.clone() };
        self.files.write_json(names::MARK, &next)?;
        *mark = next;
        Ok(())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Mark> {
        // The mark is replaced as a whole: a panic elsewhere cannot leave it half changed.
        self.mark.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn create(files: &Files, id: &Id, boot: Option<String>, step: u64) -> Result<Mark, LogError> {
    let mark = Mark { version: 1, thread_id: id.clone(), boot, floor: 1, granted: 1 + step, clean: false };
    files.write_json(names::MARK, &mark)?;
    Ok(mark)
}

fn expect_thread(files: &Files, id: &Id, mark: Mark) -> Result<Mark, LogError> {
    let problem = if mark.version != 1 {
        "expected format version 1, which this program reads"
    } else if mark.thread_id != *id {
        "expected the id of this thread"
    } else {
        return Ok(mark);
    };
    Err(LogError::Corrupt { file: files.path(names::MARK), offset: 0, what: problem })
}
