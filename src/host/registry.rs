//! A note on disk of each running process, so that a runner that was killed leaves no stray agent to the next one.
//!
//! One empty file a process, whose name says everything: `BOOT.OWNER.OWNER_START.PID.PID_START`. It is made after the
//! start and removed with the reaping; a runner that dies between the start and the note leaves an agent whose stdin is
//! closed, and nothing more.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use rustix::process::Pid;
use tokio::time::{Instant, sleep};

use super::{proc::Stat, tree};

/// How long killed strays may take to go.
const GRACE: Duration = Duration::from_secs(2);

/// The folder of the notes.
#[derive(Debug, Clone)]
pub(super) struct Registry {
    folder: PathBuf,
}

impl Registry {
    /// Opens the folder, making it when it is not there, and ends the strays that dead runners left.
    pub(super) async fn open(folder: &Path) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        let mut strays = Vec::new();
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let Some(note) = entry.file_name().to_str().and_then(Note::parse) else {
                continue;
            };
            if note.owner_is_alive() {
                continue;
            }
            strays.extend(note.stray());
            fs::remove_file(entry.path())?;
        }
        strays.iter().copied().for_each(end);
        gone(&strays).await;
        Ok(Self {
            folder: folder.to_owned(),
        })
    }

    /// Notes a process of ours. Without the note work goes on, so a failure is only logged.
    pub(super) fn record(&self, pid: u32) -> Option<Record> {
        let note = Note::of_ours(pid)?;
        let path = self.folder.join(note.name());
        match fs::write(&path, []) {
            Ok(()) => Some(Record { path }),
            Err(error) => {
                tracing::warn!(%error, path = %path.display(), "a process is not noted");
                None
            }
        }
    }
}

/// The note of a running process; dropping it removes the file.
pub(super) struct Record {
    path: PathBuf,
}

impl Drop for Record {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_file(&self.path) {
            tracing::warn!(%error, path = %self.path.display(), "the note of an ended process stays");
        }
    }
}

/// A pid names one process only together with its start time, and both only until the machine restarts.
#[derive(Debug, PartialEq, Eq)]
struct Note {
    boot: String,
    owner: (u32, u64),
    process: (u32, u64),
}

impl Note {
    fn of_ours(pid: u32) -> Option<Self> {
        let identity = |pid| Stat::read(pid).map(|stat| (pid, stat.start));
        Some(Self {
            boot: boot()?,
            owner: identity(std::process::id())?,
            process: identity(pid)?,
        })
    }

    fn name(&self) -> String {
        let ((owner, owner_start), (pid, start)) = (self.owner, self.process);
        format!("{}.{owner}.{owner_start}.{pid}.{start}", self.boot)
    }

    fn parse(name: &str) -> Option<Self> {
        let mut fields = name.split('.');
        let boot = fields.next()?.to_owned();
        let mut number = || fields.next()?.parse::<u64>().ok();
        let (owner, process) = ((number()?, number()?), (number()?, number()?));
        let pid = |(pid, start): (u64, u64)| Some((u32::try_from(pid).ok()?, start));
        Some(Self {
            boot,
            owner: pid(owner)?,
            process: pid(process)?,
        })
    }

    fn owner_is_alive(&self) -> bool {
        self.alive(self.owner).is_some()
    }

    fn stray(&self) -> Option<Stat> {
        self.alive(self.process)
    }

    fn alive(&self, (pid, start): (u32, u64)) -> Option<Stat> {
        let found = Stat::read(pid)?;
        let same = found.start == start
            && found.is_alive()
            && boot().as_deref() == Some(self.boot.as_str());
        same.then_some(found)
    }
}

/// Changes with every start of the machine.
fn boot() -> Option<String> {
    let id = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    Some(id.trim().to_owned())
}

fn end(stray: Stat) {
    let Some(pid) = Pid::from_raw(stray.pid.cast_signed()) else {
        return;
    };
    match tree::kill(pid) {
        Ok(()) => tracing::info!(pid = stray.pid, "ended an agent that a killed runner left"),
        Err(error) => {
            tracing::warn!(pid = stray.pid, %error, "an agent that a killed runner left stays");
        }
    }
}

/// Waits until the strays are dead. They are no children of ours, so there is no event to wait for.
async fn gone(strays: &[Stat]) {
    let deadline = Instant::now() + GRACE;
    let alive = |stray: &Stat| {
        Stat::read(stray.pid).is_some_and(|now| now.start == stray.start && now.is_alive())
    };
    while strays.iter().any(alive) && Instant::now() < deadline {
        sleep(Duration::from_millis(5)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_read_back_from_its_name() {
        let note = Note::of_ours(std::process::id()).unwrap();
        assert_eq!(Note::parse(&note.name()), Some(note));
    }

    #[test]
    fn a_number_that_passed_to_another_process_is_no_stray() {
        let note = Note::of_ours(std::process::id()).unwrap();
        assert!(note.stray().is_some());
        let (pid, start) = note.process;
        assert_eq!(
            Note {
                process: (pid, start + 1),
                ..note
            }
            .stray(),
            None
        );
    }

    #[test]
    fn a_note_from_before_the_machines_restart_names_nobody() {
        let note = Note::of_ours(std::process::id()).unwrap();
        let old = Note {
            boot: "another".into(),
            ..note
        };
        assert!(!old.owner_is_alive() && old.stray().is_none());
    }

    #[test]
    fn foreign_files_are_no_notes() {
        assert_eq!(Note::parse(".gitkeep"), None);
        assert_eq!(Note::parse("a.1.2.3"), None);
    }
}
