//! Killing a process with everything that descends from it.

use rustix::{
    io,
    process::{Pid, Signal, kill_process, kill_process_group},
};

use super::proc::{self, Stat};

/// Kills the group of `leader`, and its descendants in other groups: an agent runs each command in a session of its own,
/// which a signal to the group does not reach. The caller makes sure that the pid still names the leader.
///
/// A descendant whose parent ended before (a daemon) is found no more; the end of the container takes it.
pub(super) fn kill(leader: Pid) -> io::Result<()> {
    let pid = leader.as_raw_pid().cast_unsigned();
    // Before the kill: afterwards their parent is another.
    let strays = proc::descendants(pid, &proc::all());
    let killed = kill_process_group(leader, Signal::KILL);
    strays
        .iter()
        .filter(|stray| stray.group != pid)
        .for_each(|stray| kill_if_same(*stray));
    killed
}

/// Kills one process, unless its number has passed to another meanwhile.
pub(super) fn kill_if_same(process: Stat) {
    let same = Stat::read(process.pid).is_some_and(|now| now.start == process.start);
    if let Some(pid) = Pid::from_raw(process.pid.cast_signed()).filter(|_| same) {
        // Best effort: it may be gone, or belong to another user.
        let _ = kill_process(pid, Signal::KILL);
    }
}
