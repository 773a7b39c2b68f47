//! Reading `git status --porcelain=v2 --branch -z` and `git diff --numstat -z`. No IO.
//!
//! Names come from a repository that an agent has changed: they are made printable, and a record that makes no sense is left out.

/// What `git status` says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Porcelain {
    /// The commit; absent before the first one.
    pub(super) head: Option<String>,
    /// The branch; absent when detached.
    pub(super) branch: Option<String>,
    /// Commits that the upstream lacks; absent without an upstream, or when it has no such branch yet.
    pub(super) ahead: Option<u64>,
    /// Files with changes that are not committed, untracked ones too.
    pub(super) dirty: u64,
    pub(super) untracked: Vec<String>,
}

impl Porcelain {
    /// Reads whole records; a torn last one is ignored.
    pub(super) fn parse(output: &[u8]) -> Self {
        let mut status = Self::default();
        for record in records(output) {
            match record {
                [b'#', b' ', header @ ..] => status.header(&printable(header)),
                [b'?', b' ', path @ ..] => {
                    status.dirty += 1;
                    status.untracked.push(printable(path));
                }
                [b'1' | b'u', b' ', ..] => status.dirty += 1,
                _ => {}
            }
        }
        status
    }

    fn header(&mut self, header: &str) {
        match header.split_once(' ') {
            Some(("branch.oid", oid)) => self.head = is_commit(oid).then(|| oid.to_owned()),
            Some(("branch.head", name)) if name != "(detached)" => {
                self.branch = Some(name.to_owned());
            }
            Some(("branch.ab", counts)) => self.ahead = ahead(counts),
            _ => {}
        }
    }
}

/// The sum of a `git diff --numstat`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Numstat {
    pub(super) insertions: u64,
    pub(super) deletions: u64,
    pub(super) paths: Vec<String>,
}

impl Numstat {
    /// Reads whole records of a diff without renames; a torn last one is ignored. Binary files have no line counts.
    pub(super) fn parse(output: &[u8]) -> Self {
        let mut sum = Self::default();
        for record in records(output) {
            let mut fields = record.splitn(3, |byte| *byte == b'\t');
            if let (Some(insertions), Some(deletions), Some(path)) = (fields.next(), fields.next(), fields.next()) {
                sum.insertions = sum.insertions.saturating_add(number(insertions));
                sum.deletions = sum.deletions.saturating_add(number(deletions));
                sum.paths.push(printable(path));
            }
        }
        sum
    }
}

/// What ends with a NUL.
pub(super) fn records(output: &[u8]) -> impl Iterator<Item = &[u8]> {
    let whole = output.iter().rposition(|byte| *byte == 0).unwrap_or(0);
    output[..whole].split(|byte| *byte == 0).filter(|record| !record.is_empty())
}

fn number(text: &[u8]) -> u64 {
    std::str::from_utf8(text).ok().and_then(|text| text.parse().ok()).unwrap_or(0)
}

fn ahead(counts: &str) -> Option<u64> {
    counts.strip_prefix('+')?.split(' ').next()?.parse().ok()
}

/// A commit's full name, SHA-1 or SHA-256.
pub(super) fn is_commit(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Text that moves no cursor and turns no direction on a terminal.
pub(crate) fn printable(bytes: &[u8]) -> String {
    let harmful = |c: char| {
        c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    String::from_utf8_lossy(bytes).chars().map(|c| if harmful(c) { '\u{fffd}' } else { c }).collect()
}
