//! The append-only log of a thread: every event of every run, numbered, on disk, for any number of readers.
//!
//! One process owns a data directory ([`Store`], guarded by a lock). Each thread has a [`ThreadLog`] with one writer at a
//! time and any number of [`Reader`]s; a reader is a cursor and nothing more, so a slow one costs nothing.
//!
//! ```text
//! append ─► one write(2) to the segment ─► shared ring of ready SSE frames ─► readers near the end
//!              │                                    (behind the ring: pieces of the segment files)
//!              └► the store's sync thread: one fdatasync for all callers, at most [`Options::sync_delay`] late
//! ```
//!
//! Guarantees:
//! - Records are in the file before any reader sees them: what readers saw survives the death of the process.
//! - What [`ThreadLog::sync`] confirmed survives a power cut.
//! - A seq is never used twice, not even for records that a power cut took: numbers are granted in large steps by a
//!   synced file ([`Recovery::skipped`] tells when numbers were left out). After `kill -9` numbering goes on without a gap.
//! - Nothing is lost silently: a torn tail that was never promised is cut off and reported, any other damage is
//!   [`LogError::Corrupt`].
//!
//! Layout of a data directory (`<thread>` is a readable, unique encoding of the thread id):
//!
//! ```text
//! lock                                   held while a process has the store open
//! reserve                                space that is given up for the last words of a run when the disk is full
//! threads/<thread>/thread.json           thread id, granted numbers, whether the last end was clean
//! threads/<thread>/<first seq>.jsonl     a segment: one record a line
//! threads/<thread>/<first seq>.index     what is in a synced segment (runs, offsets), so that opening does not scan it
//! threads/<thread>/trimmed.json          what was deleted after it was acknowledged
//! threads/<thread>/inputs.jsonl          accepted inputs whose run has not started
//! ```

mod asked;
mod atomic;
mod chunk;
mod copy;
mod crowd;
mod disk;
mod encode;
mod error;
mod files;
mod inner;
mod inputs;
mod log;
mod mark;
mod names;
mod options;
mod piece;
mod published;
mod reader;
mod record;
mod recovery;
mod reserve;
mod ring;
mod runs;
mod scan;
mod segment;
mod storage;
mod store;
mod syncer;
mod trim;
mod writer;

pub use asked::{Asked, Format};
pub use atomic::write_atomic;
pub use chunk::{Chunk, RecordRef};
pub use disk::Disk;
pub use error::LogError;
pub use inputs::AcceptedInput;
pub use log::ThreadLog;
pub use names::thread_dir;
pub use options::Options;
pub use reader::Reader;
pub use record::{Record, Seq};
pub use recovery::{Cut, Recovery};
pub use runs::RunSpan;
pub use storage::{Locked, LogFile, OpenMode, Storage};
pub use store::Store;
