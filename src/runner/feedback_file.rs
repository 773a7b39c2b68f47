//! What people said of the work, on disk: a JSON object a line, durable before the answer.

use std::{
    fs::{File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

use serde_json::{Value, json};

use super::feedback::Feedback;
use crate::security::Redactor;

/// When the file has this size it becomes the former one, which the one before it was.
const MAX_BYTES: u64 = 8 * 1024 * 1024;

/// The file that is written.
const FILE: &str = "feedback.jsonl";
/// The file before it.
const FORMER: &str = "feedback.1.jsonl";

/// Keeps feedback in the runner's data directory.
#[derive(Debug, Clone)]
pub struct FeedbackFile {
    folder: PathBuf,
    redactor: Arc<Redactor>,
    /// One line at a time.
    writing: Arc<tokio::sync::Mutex<()>>,
}

impl FeedbackFile {
    /// The file of a data directory, which exists.
    #[must_use]
    pub fn new(data_dir: &Path, redactor: Arc<Redactor>) -> Self {
        Self { folder: data_dir.to_owned(), redactor, writing: Arc::default() }
    }

    /// Appends one piece, without secrets; when this resolves it is on disk.
    pub async fn append(&self, feedback: &Feedback) -> io::Result<()> {
        let _writing = self.writing.lock().await;
        let mut line = self.line(feedback).to_string();
        line.push('\n');
        let folder = self.folder.clone();
        let written = tokio::task::spawn_blocking(move || write(&folder, line.as_bytes())).await;
        written.map_err(io::Error::other)?
    }

    fn line(&self, feedback: &Feedback) -> Value {
        let mut line = json!({
            "kind": feedback.kind.name(),
            "threadId": feedback.thread_id,
            "runId": feedback.run_id,
            "at": feedback.at_ms,
            "payload": feedback.payload,
        });
        self.redactor.redact_json(&mut line);
        line
    }
}

fn write(folder: &Path, line: &[u8]) -> io::Result<()> {
    let path = folder.join(FILE);
    let mut file = append_to(&path)?;
    if file.metadata()?.len() >= MAX_BYTES {
        std::fs::rename(&path, folder.join(FORMER))?;
        file = append_to(&path)?;
    }
    file.write_all(line)?;
    file.sync_data()?;
    // The name, too, when the file is new.
    File::open(folder)?.sync_all()
}

fn append_to(path: &Path) -> io::Result<File> {
    OpenOptions::new().append(true).create(true).open(path)
}
