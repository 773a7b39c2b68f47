//! A note on disk of each running process, so that a runner that was killed leaves no stray agent to the next one.
//!
//! One empty file a process, whose name says everything: `BOOT.OWNER.OWNER_START.PID.PID_START.MARK`. It is made after the
//! start and removed with the reaping; a runner that dies between the start and the note leaves an agent whose stdin is
//! closed, and nothing more.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use tokio::time::{Instant, sleep};

use super::{proc::Stat, tree::Tree};

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
            note.end_stray();
            strays.push(note);
            fs::remove_file(entry.path())?;
        }
        gone(&strays).await;
        Ok(Self { folder: folder.to_owned() })
    }

    /// Notes a process of ours. Without the note work goes on, so a failure is only logged.
    pub(super) fn record(&self, tree: &Tree) -> Option<Record> {
        let note = Note::of_ours(tree)?;
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
    leader_start: u64,
    tree: Tree,
}

impl Note {
    fn of_ours(tree: &Tree) -> Option<Self> {
        let start = |pid| Stat::read(pid).map(|found| found.start);
        let own = std::process::id();
        Some(Self { boot: boot()?, owner: (own, start(own)?), leader_start: start(tree.leader)?, tree: tree.clone() })
    }

    fn name(&self) -> String {
        let Self { boot, owner: (owner, owner_start), leader_start, tree: Tree { leader, mark } } = self;
        format!("{boot}.{owner}.{owner_start}.{leader}.{leader_start}.{mark}")
    }

    fn parse(name: &str) -> Option<Self> {
        let [boot, owner, owner_start, leader, leader_start, mark] =
            name.split('.').collect::<Vec<_>>().try_into().ok()?;
        Some(Self {
            boot: boot.to_owned(),
            owner: (owner.parse().ok()?, owner_start.parse().ok()?),
            leader_start: leader_start.parse().ok()?,
            tree: Tree { leader: leader.parse().ok()?, mark: mark.to_owned() },
        })
    }

    fn owner_is_alive(&self) -> bool {
        self.is_alive(self.owner)
    }

    fn leader_is_alive(&self) -> bool {
        self.is_alive((self.tree.leader, self.leader_start))
    }

    fn is_alive(&self, (pid, start): (u32, u64)) -> bool {
        let same = |found: Stat| found.start == start && found.is_alive();
        Stat::read(pid).is_some_and(same) && boot().as_deref() == Some(self.boot.as_str())
    }

    /// Ends the process and what it started; also what it started alone, when it has ended itself.
    fn end_stray(&self) {
        if !self.leader_is_alive() {
            self.tree.kill_marked();
            return;
        }
        match self.tree.kill() {
            Ok(()) => tracing::info!(pid = self.tree.leader, "ended an agent that a killed runner left"),
            Err(error) => {
                tracing::warn!(pid = self.tree.leader, %error, "an agent that a killed runner left stays");
            }
        }
    }
}

/// Changes with every start of the machine.
fn boot() -> Option<String> {
    let id = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    Some(id.trim().to_owned())
}

/// Waits until the strays are dead. They are no children of ours, so there is no event to wait for.
async fn gone(strays: &[Note]) {
    let deadline = Instant::now() + GRACE;
    while strays.iter().any(Note::leader_is_alive) && Instant::now() < deadline {
        sleep(Duration::from_millis(5)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own() -> Note {
        Note::of_ours(&Tree { leader: std::process::id(), mark: "m".into() }).unwrap()
    }

    #[test]
    fn a_note_is_read_back_from_its_name() {
        assert_eq!(Note::parse(&own().name()), Some(own()));
    }

    #[test]
    fn a_number_that_passed_to_another_process_is_no_stray() {
        assert!(own().leader_is_alive());
        let other = Note { leader_start: own().leader_start + 1, ..own() };
        assert!(!other.leader_is_alive());
    }

    #[test]
    fn a_note_from_before_the_machines_restart_names_nobody() {
        let old = Note { boot: "another".into(), ..own() };
        assert!(!old.owner_is_alive() && !old.leader_is_alive());
    }

    #[test]
    fn foreign_files_are_no_notes() {
        assert_eq!(Note::parse(".gitkeep"), None);
        assert_eq!(Note::parse("a.1.2.3.4"), None);
        assert_eq!(Note::parse("a.1.2.3.4.5.6"), None);
    }
}
