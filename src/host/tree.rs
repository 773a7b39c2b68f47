//! Killing a process with everything that it started.
//!
//! A signal to the group is not enough: an agent runs each command in a session of its own, and when the agent is killed
//! its commands lose their parent and go on. So every process carries a mark in its environment, which all its
//! descendants inherit.

use rustix::{
    io,
    process::{Pid, Signal, kill_process, kill_process_group},
};

use super::proc::{self, Stat};

/// The variable that holds the mark.
pub(super) const VARIABLE: &str = "AMBIENT_PROCESS";

/// How often processes are looked for that start while others are being killed.
const ROUNDS: usize = 3;

/// A process that leads its group, and the mark of all that descend from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tree {
    pub(super) leader: u32,
    /// Random, and readable by the user's other processes: it says who belongs together and protects nothing.
    pub(super) mark: String,
}

impl Tree {
    /// Kills the leader's group and all descendants. The caller makes sure that the number still names the leader.
    pub(super) fn kill(&self) -> io::Result<()> {
        // Before the kill: afterwards their parent is another. These are found even if they dropped the mark.
        let children = proc::descendants(self.leader, &proc::all());
        let killed = self.kill_group();
        children.into_iter().for_each(kill_if_same);
        self.kill_marked();
        killed
    }

    /// Kills the leader's group.
    pub(super) fn kill_group(&self) -> io::Result<()> {
        let leader = Pid::from_raw(self.leader.cast_signed()).ok_or(io::Errno::SRCH)?;
        kill_process_group(leader, Signal::KILL)
    }

    /// Kills what carries the mark; the leader may be long gone. Only processes with a higher number are looked at: numbers
    /// are given in ascending order, and begin again only after some millions.
    pub(super) fn kill_marked(&self) {
        let entry = format!("{VARIABLE}={}", self.mark);
        for _ in 0..ROUNDS {
            let found: Vec<Stat> = proc::pids()
                .filter(|pid| *pid > self.leader)
                .filter_map(Stat::read)
                .filter(|process| process.is_alive() && proc::has_variable(process.pid, entry.as_bytes()))
                .collect();
            if found.is_empty() {
                return;
            }
            found.into_iter().for_each(kill_if_same);
        }
    }
}

/// Kills one process, unless its number has passed to another meanwhile.
fn kill_if_same(process: Stat) {
    let same = Stat::read(process.pid).is_some_and(|now| now.start == process.start);
    if let Some(pid) = Pid::from_raw(process.pid.cast_signed()).filter(|_| same) {
        // Best effort: it may be gone, or belong to another user.
        let _ = kill_process(pid, Signal::KILL);
    }
}
