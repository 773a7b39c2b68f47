//! A log that copies another one: its records keep the numbers that they have there.
//!
//! Asking and appending is one step, so that several writers of one copy bring no record twice.

use std::ops::Range;

use super::{LogError, Record, Seq, ThreadLog};
use crate::agui::{Event, Id};

impl ThreadLog {
    /// Appends a record of the other log under its own number; numbers before it that never came are left out. False, and
    /// nothing is appended, if the number is taken or passed, or if the record's run has ended here.
    pub fn copy(&self, record: &Record) -> Result<bool, LogError> {
        let mut writer = self.inner.writer();
        if record.seq < writer.next || self.run(&record.run_id).is_some_and(|span| span.ended) {
            return Ok(false);
        }
        self.inner.skip_to(&mut writer, record.seq)?;
        writer.append(&self.inner, &record.run_id, record.at, std::slice::from_ref(&record.event))?;
        drop(writer);
        self.inner.wrote();
        Ok(true)
    }

    /// Ends a run that the other log will not end any more. `beyond` numbers are left out, since others may have seen them
    /// there; `events` is told which. False, and nothing is appended, if the run never began here or has ended.
    pub fn end_run(
        &self,
        run: &Id,
        at: i64,
        beyond: Seq,
        events: impl FnOnce(Range<Seq>) -> Vec<Event>,
    ) -> Result<bool, LogError> {
        let mut writer = self.inner.writer();
        if self.run(run).is_none_or(|span| span.ended) {
            return Ok(false);
        }
        let lost = writer.next..writer.next + beyond;
        self.inner.skip_to(&mut writer, lost.end)?;
        writer.append(&self.inner, run, at, &events(lost))?;
        drop(writer);
        self.inner.wrote();
        Ok(true)
    }
}
