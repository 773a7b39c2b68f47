//! Where the gateway reads a thread's events.

use futures_util::stream::BoxStream;

use crate::{
    agui::Id,
    eventlog::{Chunk, Seq},
};

/// Which log is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Log {
    pub(super) namespace: String,
    /// The session's name.
    pub(super) session: String,
    /// The session's UID.
    pub(super) uid: String,
    pub(super) thread: Id,
}

/// Records in the order of their numbers, as they are kept: all readers share their bytes, and only what has to
/// be known of them is parsed. It ends when nothing more can come from where they are.
pub(super) type Records = BoxStream<'static, Chunk>;

/// Where events are.
pub(super) trait Source: Send + Sync {
    /// Whether the log can be read at the moment.
    fn has(&self, log: &Log) -> bool;
    /// Everything after a number: what there is, and then what comes. A source that cannot be reached is asked again until
    /// it is gone; nothing is repeated or left out.
    fn read(&self, log: &Log, after: Seq) -> Records;
}
