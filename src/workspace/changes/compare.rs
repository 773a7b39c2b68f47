//! The difference of two snapshots. No IO.

use super::{Snapshot, Stamp};

/// Files that are named in each list; all are counted.
const NAMED: usize = 200;

/// What happened between two snapshots. Each list is sorted and holds at most 200 paths.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Changes {
    /// New files.
    pub added: Vec<String>,
    /// Files with another content.
    pub modified: Vec<String>,
    /// Files that are gone.
    pub deleted: Vec<String>,
    /// All of them.
    pub count: usize,
    /// A snapshot did not reach everything: there may be more, and what it did not reach is not called added or deleted.
    pub truncated: bool,
}

/// What happened between two snapshots.
#[must_use]
pub fn compare(before: &Snapshot, after: &Snapshot) -> Changes {
    let paths = |from: &Snapshot, keep: &dyn Fn(&str, &Stamp) -> bool| -> Vec<String> {
        let kept = from.files.iter().filter(|(path, stamp)| keep(path, stamp));
        kept.map(|(path, _)| path.clone()).collect()
    };
    let added = |path: &str, _: &Stamp| !before.truncated && !before.files.contains_key(path);
    let deleted = |path: &str, _: &Stamp| !after.truncated && !after.files.contains_key(path);
    let modified = |path: &str, now: &Stamp| before.files.get(path).is_some_and(|then| differs(then, now));
    let mut changes = Changes {
        added: paths(after, &added),
        modified: paths(after, &modified),
        deleted: paths(before, &deleted),
        count: 0,
        truncated: before.truncated || after.truncated,
    };
    changes.count = changes.added.len() + changes.modified.len() + changes.deleted.len();
    for list in [&mut changes.added, &mut changes.modified, &mut changes.deleted] {
        list.truncate(NAMED);
    }
    changes
}

/// A touched file with the same content is not modified; times only count where there is no hash.
fn differs(then: &Stamp, now: &Stamp) -> bool {
    if then.size != now.size {
        return true;
    }
    match (&then.hash, &now.hash) {
        (Some(then), Some(now)) => then != now,
        _ => then.modified != now.modified,
    }
}
