//! Events to the status of a Run, and a Run to what an agent is told: the same for laptop and cluster. No IO, and memory that does not grow with the
//! number of events.

mod end;
mod input;
mod recent;
mod report;
mod status;
mod text;

use k8s_openapi::jiff::Timestamp;

use crate::{
    agui::{Event, EventKind, Id, TextRole, Usage as ModelUsage},
    api::{
        outcome,
        run::{RunStatus, TokenCounts},
    },
};
use end::End;
pub use input::input;
use recent::Recent;
use report::Report;
use text::LastText;

/// The most bytes of a status as JSON.
pub const MAX_STATUS_BYTES: usize = 16 * 1024;

/// The most bytes of the final text in a status.
pub const MAX_RESULT_BYTES: usize = 8 * 1024;

/// The most bytes of the structured answer in a status, as JSON.
pub const MAX_STRUCTURED_BYTES: usize = 4 * 1024;

/// The name of the CUSTOM event with the id of the run's trace.
const TRACE_EVENT: &str = "ambient:trace_id";

/// What is known of one run from its events so far.
#[derive(Debug, Clone, Default)]
pub struct Fold {
    ids: Option<(Id, Id)>,
    started_ms: Option<i64>,
    first_event_ms: Option<i64>,
    count: u64,
    last_id: u64,
    text: LastText,
    recent: Recent,
    report: Report,
    usage: TokenCounts,
    trace_id: Option<String>,
    end: Option<(i64, End)>,
}

impl Fold {
    /// A run of which nothing is known.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next event of the run. `seq` is its number in the log, `at_ms` its time in milliseconds since the Unix
    /// epoch. An event that was taken already, and one behind the run's end, changes nothing: so a reader may begin again
    /// anywhere before where it was.
    pub fn apply(&mut self, seq: u64, at_ms: i64, event: &Event) {
        if self.end.is_some() || (self.count > 0 && seq <= self.last_id) {
            return;
        }
        self.count += 1;
        self.last_id = seq;
        self.started_ms.get_or_insert(at_ms);
        if self.first_event_ms.is_none() && is_of_agent(&event.kind) {
            self.first_event_ms = Some(at_ms);
        }
        self.recent.note(at_ms, event);
        if event.subagent_run_id.is_none() {
            self.take(at_ms, &event.kind);
        }
    }

    /// The status as far as the events tell it; conditions, attempts and generations are not theirs to tell. Together
    /// with the conditions of [`crate::api::conditions::update_run`] it takes less than [`MAX_STATUS_BYTES`].
    #[must_use]
    pub fn status(&self) -> RunStatus {
        status::status(self)
    }

    /// Whether the run has ended, or waits for an answer: nothing of it follows.
    #[must_use]
    pub const fn is_over(&self) -> bool {
        self.end.is_some()
    }

    /// The agent's own id of the conversation, once the run's outcome tells it.
    #[must_use]
    pub fn agent_session_id(&self) -> Option<&str> {
        self.report.agent_session_id.as_deref()
    }

    fn take(&mut self, at_ms: i64, kind: &EventKind) {
        self.text.take(kind);
        match kind {
            EventKind::RunStarted { thread_id, run_id, .. } => {
                self.ids = Some((thread_id.clone(), run_id.clone()));
            }
            EventKind::Custom { name, value } if name == outcome::EVENT_NAME => {
                self.report.take(value);
            }
            EventKind::Custom { name, value } if name == TRACE_EVENT => {
                let id = value.get("traceId").and_then(|id| id.as_str());
                self.trace_id = id.filter(|id| id.len() <= 128).map(str::to_owned);
            }
            EventKind::RunFinished { outcome, usage, .. } => {
                self.usage = token_counts(usage);
                self.end = Some((at_ms, End::finished(&self.report, outcome.as_ref())));
            }
            EventKind::RunError { message, code, usage } => {
                self.usage = token_counts(usage);
                self.end = Some((at_ms, End::failed(&self.report, code.as_deref(), message)));
            }
            _ => {}
        }
    }
}

/// The tokens of all models of a run together.
#[must_use]
pub fn token_counts(usage: &[ModelUsage]) -> TokenCounts {
    let sum = |part: fn(&ModelUsage) -> Option<u64>| usage.iter().filter_map(part).fold(0, u64::saturating_add);
    TokenCounts {
        input_tokens: sum(|usage| usage.input_tokens),
        output_tokens: sum(|usage| usage.output_tokens),
        cache_read_tokens: sum(|usage| usage.cached_input_tokens),
        cache_write_tokens: sum(|usage| usage.cache_write_input_tokens),
    }
}

/// Whether an event is the agent at work: text, thought or tool call, but not the platform's own messages.
fn is_of_agent(kind: &EventKind) -> bool {
    match kind {
        EventKind::TextMessageStart { role, .. } | EventKind::TextMessageChunk { role, .. } => is_assistant(*role),
        EventKind::ToolCallStart { .. }
        | EventKind::ToolCallChunk { .. }
        | EventKind::ReasoningStart { .. }
        | EventKind::ReasoningMessageStart { .. }
        | EventKind::ReasoningMessageChunk { .. } => true,
        _ => false,
    }
}

/// The protocol's default role is the assistant.
fn is_assistant(role: Option<TextRole>) -> bool {
    matches!(role, None | Some(TextRole::Assistant))
}

/// A moment, unless it is beyond all calendars.
fn timestamp(at_ms: i64) -> Option<Timestamp> {
    Timestamp::from_millisecond(at_ms).ok()
}
