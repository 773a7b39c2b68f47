//! File names.

use sha2::{Digest, Sha256};

use super::Seq;

/// Readable characters of a thread id that go into its directory's name; the hash makes it unique.
const READABLE: usize = 40;

/// Thread id, granted numbers, how the last process ended.
pub(super) const MARK: &str = "thread.json";
/// What was deleted.
pub(super) const TRIMMED: &str = "trimmed.json";
/// Accepted inputs.
pub(super) const INPUTS: &str = "inputs.jsonl";

/// The directory of a thread, also elsewhere than on disk. Thread ids are arbitrary text: what is safe in a file name stays
/// readable, and a hash of the whole id (also of its case, for file systems that ignore it) tells all others apart.
#[must_use]
pub fn thread_dir(id: &str) -> String {
    let safe = |c: char| {
        if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' }
    };
    let readable: String = id.chars().take(READABLE).map(safe).collect();
    let digest = Sha256::digest(id.as_bytes());
    let hash = digest.iter().take(8).fold(0_u64, |hash, byte| hash << 8 | u64::from(*byte));
    format!("{readable}-{hash:016x}")
}

/// The file of the segment that begins with `first`; names sort like numbers.
pub(super) fn segment(first: Seq) -> String {
    format!("{first:020}.jsonl")
}

/// The index of the segment that begins with `first`.
pub(super) fn index(first: Seq) -> String {
    format!("{first:020}.index")
}

/// The first seq of a segment, if the name is a segment's.
pub(super) fn segment_first(name: &str) -> Option<Seq> {
    let digits = name.strip_suffix(".jsonl")?;
    (digits.len() == 20).then(|| digits.parse().ok())?
}
