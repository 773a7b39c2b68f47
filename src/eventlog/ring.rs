//! The newest frames of a thread, in memory, shared by all readers.

use std::{collections::VecDeque, sync::Arc};

use crate::agui::Id;

use super::{Chunk, Seq, encode::Batch, piece::Piece, piece::PieceBuilder};

/// Pieces below this are joined with the next batch. Single events would otherwise become thousands of tiny pieces that a
/// reader has to take one by one; with it an append copies at most this much.
const SMALL: usize = 4 << 10;

/// The newest pieces, about `limit` bytes.
#[derive(Debug)]
pub(super) struct Ring {
    pieces: VecDeque<Arc<Piece>>,
    bytes: usize,
    limit: usize,
    /// Everything after this number that exists is in the ring.
    floor: Seq,
}

impl Ring {
    /// A ring of a log whose last record is `floor`.
    pub(super) fn new(limit: usize, floor: Seq) -> Self {
        Self { pieces: VecDeque::new(), bytes: 0, limit, floor }
    }

    /// Whether everything after the cursor is here.
    pub(super) fn covers(&self, cursor: Seq) -> bool {
        cursor >= self.floor
    }

    /// Adds a batch and drops the oldest pieces beyond the limit (never the newest).
    pub(super) fn push(&mut self, batch: &Batch, run_id: &Id, at: i64) {
        let joins = |last: &Arc<Piece>| last.frames.len() < SMALL && last.next() == batch.first;
        let before = self.pieces.pop_back_if(|last| joins(last));
        self.bytes -= before.as_ref().map_or(0, |piece| piece.frames.len());
        let piece = PieceBuilder::joined(before.as_deref(), batch, run_id, at);
        self.bytes += piece.frames.len();
        self.pieces.push_back(Arc::new(piece));
        while self.bytes > self.limit && self.pieces.len() > 1 {
            self.drop_oldest();
        }
    }

    fn drop_oldest(&mut self) {
        if let Some(oldest) = self.pieces.pop_front() {
            self.bytes -= oldest.frames.len();
            self.floor = oldest.next() - 1;
        }
    }

    /// The records after the cursor that are in one piece.
    pub(super) fn after(&self, cursor: Seq) -> Option<Chunk> {
        let index = self.pieces.partition_point(|piece| piece.next() <= cursor + 1);
        let piece = self.pieces.get(index)?;
        let skip = usize::try_from((cursor + 1).saturating_sub(piece.first)).ok()?;
        Some(Chunk::new(Arc::clone(piece), skip))
    }
}
