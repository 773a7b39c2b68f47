//! Inputs that were accepted and whose run has not started.
//!
//! A journal beside the segments, one line an input. Nothing is ever deleted from it in place: an input is done when its
//! run has a `RUN_STARTED` in the log, and it may be forgotten when that is synced.

use std::{borrow::Cow, mem, sync::Arc};

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::agui::Id;

use super::{LogError, LogFile, OpenMode, files::Files, names, storage::write_all_at};

/// An accepted input.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AcceptedInput {
    /// The run that it starts.
    pub run_id: Id,
    /// When it was accepted, in milliseconds since the Unix epoch.
    pub at: i64,
    /// The input, as it was given.
    pub input: Box<RawValue>,
}

/// The journal of a thread.
pub(super) struct Journal {
    files: Files,
    file: Option<Arc<dyn LogFile>>,
    /// The length of all whole lines.
    bytes: u64,
    /// Oldest first; some may have started since.
    entries: Vec<AcceptedInput>,
    unsynced: bool,
    /// Whether the directory entry is not synced.
    new_file: bool,
}

impl Journal {
    /// Reads the journal. A line that is none was never confirmed: it is left out, and the file written anew.
    pub(super) fn open(files: &Files) -> Result<Self, LogError> {
        let mut journal =
            Self { files: files.clone(), file: None, bytes: 0, entries: Vec::new(), unsynced: false, new_file: false };
        let Some(content) = files.read(names::INPUTS)? else {
            return Ok(journal);
        };
        let lines = || content.split_inclusive(|byte| *byte == b'\n');
        journal.entries = lines().filter_map(parse).collect();
        if journal.entries.len() < lines().count() {
            journal.rewrite()?;
        } else {
            journal.bytes = content.len() as u64;
            journal.file = Some(journal.open_synced()?);
        }
        Ok(journal)
    }

    /// What is there counts as confirmed from now on, so it is synced.
    fn open_synced(&self) -> Result<Arc<dyn LogFile>, LogError> {
        let file = self.files.open(names::INPUTS, OpenMode::Existing)?;
        if !self.entries.is_empty() {
            file.sync().map_err(|e| LogError::io("sync", &self.files.path(names::INPUTS), e))?;
            self.files.sync_dir()?;
        }
        Ok(file)
    }

    pub(super) fn contains(&self, run_id: &Id) -> bool {
        self.entries.iter().any(|entry| entry.run_id == *run_id)
    }

    pub(super) fn entries(&self) -> &[AcceptedInput] {
        &self.entries
    }

    /// Writes an input down. After an error the journal is as before.
    pub(super) fn add(&mut self, entry: AcceptedInput) -> Result<(), LogError> {
        let line = line_of(&entry)?;
        let file = self.file()?;
        if let Err(error) = write_all_at(&*file, &line, self.bytes) {
            // A torn line would only be left out at the next opening, and is written over until then.
            let _ = file.set_length(self.bytes);
            return Err(LogError::io("write", &self.files.path(names::INPUTS), error));
        }
        self.bytes += line.len() as u64;
        self.entries.push(entry);
        self.unsynced = true;
        Ok(())
    }

    fn file(&mut self) -> Result<Arc<dyn LogFile>, LogError> {
        if let Some(file) = &self.file {
            return Ok(Arc::clone(file));
        }
        let file = self.files.open(names::INPUTS, OpenMode::Any)?;
        self.file = Some(Arc::clone(&file));
        self.new_file = true;
        Ok(file)
    }

    /// Forgets inputs that are done; rewrites a journal that is longer than `limit` and mostly done.
    pub(super) fn forget(&mut self, limit: u64, done: impl Fn(&Id) -> bool) -> Result<(), LogError> {
        self.entries.retain(|entry| !done(&entry.run_id));
        let live: usize = self.entries.iter().map(|entry| entry.input.get().len()).sum();
        if self.bytes > limit.max(2 * live as u64) { self.rewrite() } else { Ok(()) }
    }

    fn rewrite(&mut self) -> Result<(), LogError> {
        let lines: Vec<Vec<u8>> = self.entries.iter().map(line_of).collect::<Result<_, _>>()?;
        let content = lines.concat();
        self.files.write(names::INPUTS, &content)?;
        self.file = Some(self.files.open(names::INPUTS, OpenMode::Existing)?);
        self.bytes = content.len() as u64;
        self.unsynced = false;
        self.new_file = false;
        Ok(())
    }

    /// The file if it is to be synced, and whether its directory is too.
    pub(super) fn take_work(&mut self) -> (Option<Arc<dyn LogFile>>, bool) {
        let unsynced = mem::take(&mut self.unsynced);
        (self.file.clone().filter(|_| unsynced), mem::take(&mut self.new_file))
    }
}

fn parse(line: &[u8]) -> Option<AcceptedInput> {
    serde_json::from_slice(line.strip_suffix(b"\n")?).ok()
}

fn line_of(entry: &AcceptedInput) -> Result<Vec<u8>, LogError> {
    let mut line = serde_json::to_vec(entry).map_err(LogError::encode)?;
    line.push(b'\n');
    Ok(line)
}

/// The same JSON on one line. Inside a JSON string a line break is always escaped, so those outside are blanks.
pub(super) fn on_one_line(json: &RawValue) -> Result<Box<RawValue>, LogError> {
    let text = json.get();
    let flat: Cow<'_, str> =
        if text.contains(['\n', '\r']) { text.replace(['\n', '\r'], " ").into() } else { text.into() };
    RawValue::from_string(flat.into_owned()).map_err(LogError::encode)
}
