//! What the runner says about a run's outcome, within bounds.

use serde::Deserialize;
use serde_json::Value;

use super::{MAX_RESULT_BYTES, MAX_STRUCTURED_BYTES, text::push_head};
use crate::api::{limits::json_len, outcome::OutcomeReport};

/// The most repositories of a status.
const MAX_REPOS: usize = 32;

/// The most bytes of the names of changed files.
const MAX_FILES: usize = 1024;

/// The runner's report; empty until it comes.
#[derive(Debug, Clone, Default)]
pub(super) struct Report {
    told: OutcomeReport,
    /// Whether the report came.
    pub(super) is_there: bool,
    /// How many bytes the structured answer has that is too large for a status.
    pub(super) left_out: Option<usize>,
}

impl std::ops::Deref for Report {
    type Target = OutcomeReport;

    fn deref(&self) -> &OutcomeReport {
        &self.told
    }
}

impl Report {
    /// Takes the value of the event. One that cannot be read says nothing.
    pub(super) fn take(&mut self, value: &Value) {
        let Ok(mut report) = OutcomeReport::deserialize(value) else {
            return;
        };
        self.is_there = true;
        report.result = report.result.as_deref().map(|text| head(text, MAX_RESULT_BYTES + 1));
        report.message = report.message.as_deref().map(|text| head(text, MAX_RESULT_BYTES));
        report.agent_session_id = report.agent_session_id.filter(|id| id.len() <= 256);
        report.git.truncate(MAX_REPOS);
        report.files = report.files.map(|files| files.within(MAX_FILES));
        let size = report.structured_output.as_ref().and_then(json_len).unwrap_or_default();
        self.left_out = (size > MAX_STRUCTURED_BYTES).then_some(size);
        if self.left_out.is_some() {
            report.structured_output = None;
        }
        self.told = report;
    }
}

fn head(text: &str, max: usize) -> String {
    let mut head = String::new();
    push_head(&mut head, text, max);
    head
}
