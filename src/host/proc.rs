//! What `/proc` tells about processes. Where there is no `/proc` everything here finds nothing.

use std::{collections::HashMap, fs};

/// The fields of `/proc/PID/stat` that identify a process and its place in the tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stat {
    pub(super) pid: u32,
    /// The kernel's one-letter state; `Z` is dead and not yet reaped.
    pub(super) state: u8,
    pub(super) parent: u32,
    pub(super) group: u32,
    /// Clock ticks since boot: with the pid it names one process for as long as the machine runs.
    pub(super) start: u64,
}

impl Stat {
    /// Reads one process; `None` when it is gone.
    pub(super) fn read(pid: u32) -> Option<Self> {
        Self::parse(&fs::read(format!("/proc/{pid}/stat")).ok()?)
    }

    /// The command's name stands in parentheses and may hold any byte, so the fields are counted from its last one.
    fn parse(line: &[u8]) -> Option<Self> {
        let end = line.iter().rposition(|&byte| byte == b')')?;
        let pid = std::str::from_utf8(line).map_or_else(
            |_| String::from_utf8_lossy(line).split(' ').next().and_then(|pid| pid.parse().ok()),
            |text| text.split(' ').next().and_then(|pid| pid.parse().ok()),
        )?;
        let fields = std::str::from_utf8(line.get(end + 2..)?).ok()?;
        let mut fields = fields.split_ascii_whitespace();
        Some(Self {
            pid,
            state: *fields.next()?.as_bytes().first()?,
            parent: fields.next()?.parse().ok()?,
            group: fields.next()?.parse().ok()?,
            start: fields.nth(16)?.parse().ok()?,
        })
    }

    /// Whether it still runs (a zombie does not).
    pub(super) fn is_alive(self) -> bool {
        !matches!(self.state, b'Z' | b'X')
    }
}

/// Whether a process was started with this `NAME=value`; false when that may not be known.
pub(super) fn has_variable(pid: u32, entry: &[u8]) -> bool {
    let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
    environment.split(|&byte| byte == 0).any(|found| found == entry)
}

/// Every process that can be seen.
pub(super) fn all() -> Vec<Stat> {
    pids().filter_map(Stat::read).collect()
}

/// The number of every process that can be seen.
pub(super) fn pids() -> impl Iterator<Item = u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten();
    entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
}

/// The descendants of a process among `processes`, whatever group or session they moved to.
pub(super) fn descendants(root: u32, processes: &[Stat]) -> Vec<Stat> {
    let mut children: HashMap<u32, Vec<Stat>> = HashMap::new();
    for process in processes.iter().filter(|process| process.pid != process.parent) {
        children.entry(process.parent).or_default().push(*process);
    }
    let mut found = children.remove(&root).unwrap_or_default();
    let mut next = 0;
    while let Some(process) = found.get(next) {
        found.extend(children.remove(&process.pid).unwrap_or_default());
        next += 1;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn process(pid: u32, parent: u32) -> Stat {
        Stat { pid, state: b'S', parent, group: pid, start: 1 }
    }

    #[test]
    fn a_command_name_with_spaces_parentheses_and_odd_bytes_is_skipped() {
        let line = b"42 (a) b\xff (c) S 7 40 1 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 123456 9 9";
        let expected = Stat { pid: 42, state: b'S', parent: 7, group: 40, start: 123_456 };
        assert_eq!(Stat::parse(line), Some(expected));
    }

    #[test]
    fn a_cut_line_is_no_process() {
        assert_eq!(Stat::parse(b"42 (a) S 7 40"), None);
        assert_eq!(Stat::parse(b""), None);
    }

    #[test]
    fn this_process_is_found_alive_below_its_parent() {
        let own = Stat::read(std::process::id()).unwrap();
        assert!(own.is_alive());
        let below = descendants(own.parent, &all());
        // Its state (running, sleeping) may differ between two looks.
        assert!(below.iter().any(|stat| (stat.pid, stat.start) == (own.pid, own.start)));
    }

    #[test]
    fn descendants_are_found_through_every_generation_and_nothing_else() {
        let tree = [process(1, 0), process(2, 1), process(3, 2), process(4, 3), process(9, 1)];
        let found: Vec<u32> = descendants(2, &tree).iter().map(|stat| stat.pid).collect();
        assert_eq!(found, [3, 4]);
    }
}
