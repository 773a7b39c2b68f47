//! The beginning of a log: trimming what was acknowledged, and starting at a given number.

use std::mem;

use serde::{Deserialize, Serialize};

use super::{LogError, Seq, inner::LogInner, names, ring::Ring, runs::Runs, segment::Segment, writer::Writer};

/// What was deleted: the content of `trimmed.json`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Trimmed {
    /// The last record that is not here.
    pub(super) through: Seq,
    /// Segments that begin before this are deleted, or about to be.
    pub(super) kept: Seq,
    /// The runs with records that are not here: a run id is remembered for ever.
    pub(super) runs: Runs,
}

impl LogInner {
    /// Deletes whole segments up to `seq`, never the one that is appended to.
    pub(super) fn trim(&self, seq: Seq) -> Result<(), LogError> {
        let mut trimmed = self.trimmed();
        let next = self.published().trimmable(&trimmed, seq);
        if next.kept == trimmed.kept {
            return Ok(());
        }
        // First the note, then the deed: after a crash in between, opening deletes the rest.
        self.files.write_json(names::TRIMMED, &next)?;
        *trimmed = next;
        let gone = self.published().drop_before(&trimmed);
        gone.iter().try_for_each(|segment| self.delete(segment))
    }

    fn delete(&self, segment: &Segment) -> Result<(), LogError> {
        self.files.remove_if_there(&names::index(segment.first))?;
        self.files.remove(&segment.file())
    }

    /// Leaves numbers out, so that the next record has at least the number `first`.
    pub(super) fn start_at(&self, first: Seq) -> Result<(), LogError> {
        self.skip_to(&mut self.writer(), first)
    }

    /// [`Self::start_at`] for whoever has the writer.
    pub(super) fn skip_to(&self, writer: &mut Writer, first: Seq) -> Result<(), LogError> {
        writer.stopped.clone().map_or(Ok(()), Err)?;
        if first <= writer.next {
            return Ok(());
        }
        self.mark.grant(first, first)?;
        let mut trimmed = self.trimmed();
        if self.published().segments.iter().all(Segment::is_empty) && trimmed.through + 1 < first {
            // Whatever came before is elsewhere: a reader from further back must learn that.
            let next = Trimmed { through: first - 1, kept: first, runs: trimmed.runs.clone() };
            self.files.write_json(names::TRIMMED, &next)?;
            *trimmed = next;
            self.published().ring = Ring::new(self.shared.options.ring_bytes, first - 1);
        }
        let before = mem::replace(&mut writer.next, first);
        writer.begin_segment(self).inspect_err(|_| writer.next = before)?;
        let mut published = self.published();
        published.last = first - 1;
        published.trimmed = trimmed.through;
        drop(published);
        self.tip.send_replace(first - 1);
        Ok(())
    }
}

impl super::published::Published {
    /// What would be trimmed if everything up to `seq` may go.
    fn trimmable(&self, trimmed: &Trimmed, seq: Seq) -> Trimmed {
        let mut next = trimmed.clone();
        for pair in self.segments.windows(2).take_while(|pair| pair[0].next <= seq + 1) {
            next.through = next.through.max(pair[0].next - 1);
            next.kept = pair[1].first;
            next.runs.extend(&pair[0].runs);
        }
        next
    }

    fn drop_before(&mut self, trimmed: &Trimmed) -> Vec<Segment> {
        let kept = self.segments.partition_point(|segment| segment.first < trimmed.kept);
        self.trimmed = trimmed.through;
        self.segments.drain(..kept).collect()
    }
}
