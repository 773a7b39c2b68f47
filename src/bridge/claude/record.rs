//! Recording what the CLI writes, for the replay bridge.

use std::{
    fs::{File, OpenOptions, create_dir_all},
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::Path,
    time::Instant,
};

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::agui::Id;

/// One line of the CLI, and when it came. A recording is a file of these, one a line.
#[derive(Serialize, Deserialize)]
pub(crate) struct Recorded<'a> {
    /// Milliseconds since the process was started.
    pub(crate) at_ms: u64,
    /// The line.
    #[serde(borrow)]
    pub(crate) line: &'a RawValue,
}

/// Appends to the recording of one process. A tool for finding bugs: it writes without waiting its turn, and unredacted.
pub(crate) struct Recorder {
    file: File,
    started: Instant,
}

impl Recorder {
    /// Begins a recording for a process of this thread; none when no directory is given or it cannot be written.
    pub(crate) fn open(directory: Option<&Path>, thread: &Id) -> Option<Self> {
        let directory = directory?;
        let name: String =
            thread.chars().map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '-' }).take(80).collect();
        let path = directory.join(format!("{name}-{}.jsonl", uuid::Uuid::new_v4()));
        let opened = create_dir_all(directory)
            .and_then(|()| OpenOptions::new().create_new(true).append(true).mode(0o600).open(&path));
        match opened {
            Ok(file) => Some(Self { file, started: Instant::now() }),
            Err(error) => {
                tracing::warn!(path = %path.display(), %error, "the agent's output is not recorded");
                None
            }
        }
    }

    /// Appends a line, when it is one of the protocol.
    pub(crate) fn line(&mut self, line: &[u8]) {
        let Ok(line) = serde_json::from_slice::<&RawValue>(line) else {
            return;
        };
        let at_ms = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        if let Ok(mut record) = serde_json::to_vec(&Recorded { at_ms, line }) {
            record.push(b'\n');
            // A recording that cannot go on is no reason to disturb the turn.
            self.file.write_all(&record).ok();
        }
    }
}
