//! Sizes and delays of a store.

use std::{sync::Arc, time::Duration};

use super::{Disk, Seq, Storage};

/// Sizes and delays of a store. The defaults suit a runner; tests make them small.
#[derive(Debug, Clone)]
pub struct Options {
    /// Bytes after which a segment is closed and the next begun. Segments are the unit of trimming.
    pub segment_bytes: u64,
    /// Bytes of ready frames that a thread keeps in memory for readers near the end.
    pub ring_bytes: usize,
    /// Bytes that a reader behind the ring takes from a file at once (more only for a single larger record).
    pub read_bytes: usize,
    /// How long an appended record may wait for its sync. The rule is 50 ms until it is on disk; the rest is for the
    /// disk's own time.
    pub sync_delay: Duration,
    /// Bytes set aside for the last events of runs when the disk is full; 0 for none.
    pub reserve_bytes: usize,
    /// How many seqs one synced grant covers. After a power cut at most this many numbers are left out.
    pub grant_step: u64,
    /// Bytes after which the journal of inputs is rewritten without those whose run has started.
    pub journal_bytes: u64,
    /// The number that new records have at least; a log that is already there goes on with its own, or with this one.
    pub first_seq: Seq,
    /// Where files live.
    pub storage: Arc<dyn Storage>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            segment_bytes: 8 << 20,
            ring_bytes: 1 << 20,
            read_bytes: 64 << 10,
            sync_delay: Duration::from_millis(25),
            reserve_bytes: 64 << 10,
            grant_step: 1 << 16,
            journal_bytes: 256 << 10,
            first_seq: 1,
            storage: Arc::new(Disk),
        }
    }
}
