//! How often the kernel's out-of-memory killer struck in this process's cgroup.
//!
//! A child starts in its parent's cgroup, so the parent's counter is the child's. cgroup v1 counts in
//! `memory.oom_control`, v2 in `memory.events`; both in a line `oom_kill N`.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::LazyLock,
};

/// Found once: a process seldom changes its cgroup, and a container's never does.
static COUNTER: LazyLock<Option<PathBuf>> = LazyLock::new(|| {
    let mounts = fs::read_to_string("/proc/self/mountinfo").ok()?;
    let groups = fs::read_to_string("/proc/self/cgroup").ok()?;
    candidates(&mounts, &groups).into_iter().find(|path| count(path).is_some())
});

/// The kills so far; 0 where the kernel does not tell.
pub(super) fn kills() -> u64 {
    COUNTER.as_deref().and_then(count).unwrap_or(0)
}

/// The counters' possible places, the best first. A cgroup's path is given from the hierarchy's root, while a container
/// often mounts only its own part of it.
fn candidates(mountinfo: &str, cgroup: &str) -> Vec<PathBuf> {
    let mounts = mountinfo.lines().filter_map(Mount::parse);
    let paths = mounts.filter_map(|mount| {
        let group = cgroup.lines().find_map(|line| mount.group_of(line))?;
        let below = Path::new(group).strip_prefix(mount.root).unwrap_or(Path::new(""));
        Some([mount.point.join(below).join(mount.file), mount.point.join(mount.file)])
    });
    paths.flatten().collect()
}

/// A mounted hierarchy that may count memory events.
struct Mount<'a> {
    root: &'a str,
    point: &'a Path,
    file: &'static str,
}

impl<'a> Mount<'a> {
    /// Reads one line of `mountinfo`: `id parent dev root point options … - type source super-options`.
    fn parse(line: &'a str) -> Option<Self> {
        let (mount, kind) = line.split_once(" - ")?;
        let mut mount = mount.split(' ').skip(3);
        let (root, point) = (mount.next()?, Path::new(mount.next()?));
        let mut kind = kind.split(' ');
        let file = match (kind.next()?, kind.nth(1)?) {
            ("cgroup", options) if options.split(',').any(|option| option == "memory") => "memory.oom_control",
            ("cgroup2", _) => "memory.events",
            _ => return None,
        };
        Some(Self { root, point, file })
    }

    /// The cgroup's path, when this line of `/proc/self/cgroup` (`id:controllers:path`) is of this hierarchy.
    fn group_of<'b>(&self, line: &'b str) -> Option<&'b str> {
        let mut fields = line.splitn(3, ':').skip(1);
        let (controllers, path) = (fields.next()?, fields.next()?);
        let ours = match self.file {
            "memory.events" => controllers.is_empty(),
            _ => controllers.split(',').any(|controller| controller == "memory"),
        };
        ours.then_some(path)
    }
}

fn count(path: &Path) -> Option<u64> {
    parse_count(&fs::read_to_string(path).ok()?)
}

fn parse_count(text: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix("oom_kill ")?.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    const V1: &str = "30 24 0:26 / /sys/fs/cgroup rw - tmpfs tmpfs rw
31 30 0:29 /pods/a /sys/fs/cgroup/memory ro,nosuid - cgroup cgroup rw,memory
32 30 0:30 /pods/a /sys/fs/cgroup/cpu ro,nosuid - cgroup cgroup rw,cpu";

    #[test]
    fn v1_in_a_container_counts_below_the_mounted_part() {
        let found = candidates(V1, "5:cpu:/pods/a\n4:memory:/pods/a/b\n0::/x");
        assert_eq!(found[0], Path::new("/sys/fs/cgroup/memory/b/memory.oom_control"));
        assert_eq!(found[1], Path::new("/sys/fs/cgroup/memory/memory.oom_control"));
    }

    #[test]
    fn v2_counts_in_the_groups_own_folder() {
        let mounts = "29 23 0:27 / /sys/fs/cgroup rw shared:4 - cgroup2 cgroup2 rw,nsdelegate";
        let found = candidates(mounts, "0::/user.slice/session-1.scope");
        assert_eq!(found[0], Path::new("/sys/fs/cgroup/user.slice/session-1.scope/memory.events"));
    }

    #[test]
    fn both_formats_are_counted() {
        assert_eq!(parse_count("oom_kill_disable 0\nunder_oom 0\noom_kill 3\n"), Some(3));
        assert_eq!(parse_count("low 0\noom 2\noom_kill 1\noom_group_kill 0\n"), Some(1));
        assert_eq!(parse_count("oom_kill_disable 0\n"), None);
    }
}
