//! Where each run is in the log.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::agui::Id;

use super::Seq;

/// Where a run is in the log, and how far it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RunSpan {
    /// The run.
    pub run_id: Id,
    /// Its first record.
    pub first: Seq,
    /// Its last record so far.
    pub last: Seq,
    /// Whether its `RUN_STARTED` was written.
    pub started: bool,
    /// Whether its terminal event was written.
    pub ended: bool,
}

/// All runs, in the order they began.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<RunSpan>", into = "Vec<RunSpan>")]
pub(super) struct Runs {
    spans: Vec<RunSpan>,
    by_id: HashMap<Id, usize>,
}

impl Runs {
    pub(super) fn get(&self, id: &Id) -> Option<&RunSpan> {
        self.spans.get(*self.by_id.get(id)?)
    }

    pub(super) fn all(&self) -> &[RunSpan] {
        &self.spans
    }

    /// Adds what later records say about a run.
    pub(super) fn note(&mut self, later: &RunSpan) {
        match self.position(&later.run_id) {
            Some(index) => {
                let span = &mut self.spans[index];
                span.last = later.last;
                span.started |= later.started;
                span.ended |= later.ended;
            }
            None => self.add(later.clone()),
        }
    }

    /// Adds the runs of later records.
    pub(super) fn extend(&mut self, later: &Self) {
        for span in &later.spans {
            self.note(span);
        }
    }

    /// Nearly always it is the newest run, which needs no hashing.
    fn position(&self, id: &Id) -> Option<usize> {
        match self.spans.last() {
            Some(last) if last.run_id == *id => Some(self.spans.len() - 1),
            Some(_) | None => self.by_id.get(id).copied(),
        }
    }

    fn add(&mut self, span: RunSpan) {
        self.by_id.insert(span.run_id.clone(), self.spans.len());
        self.spans.push(span);
    }
}

impl From<Vec<RunSpan>> for Runs {
    fn from(spans: Vec<RunSpan>) -> Self {
        let mut runs = Self::default();
        for span in &spans {
            runs.note(span);
        }
        runs
    }
}

impl From<Runs> for Vec<RunSpan> {
    fn from(runs: Runs) -> Self {
        runs.spans
    }
}
