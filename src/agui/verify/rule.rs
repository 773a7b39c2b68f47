//! The rules that an event can break.

use std::fmt;

use crate::agui::{Event, EventKind, Id, open::OpenItem, patch::PatchError};

/// An event that a client would refuse, and why.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{event}{}: {rule}", Named(.id.as_deref()))]
pub struct Violation {
    /// The event's name on the wire, or `end of stream`.
    pub event: &'static str,
    /// The id (or step name) the event carries, if it has one.
    pub id: Option<String>,
    /// What is wrong and what was expected.
    pub rule: Rule,
}

/// A rule of the stream.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Rule {
    /// An event came between runs.
    #[error("no run is active; expected RUN_STARTED first")]
    NoRun,
    /// A run began inside another.
    #[error("run {0:?} is still active; expected its RUN_FINISHED or RUN_ERROR first")]
    RunActive(Id),
    /// A run boundary names another thread.
    #[error("thread {found:?} on the stream of thread {expected:?}; expected its own thread id")]
    OtherThread {
        /// The thread of this stream.
        expected: Id,
        /// The thread the event names.
        found: Id,
    },
    /// A run's end names another run.
    #[error("run {found:?} is not the active run; expected {expected:?}")]
    OtherRun {
        /// The active run.
        expected: Id,
        /// The run the event names.
        found: Id,
    },
    /// The stream ended inside a run.
    #[error("run {0:?} has no terminal event; expected RUN_FINISHED or RUN_ERROR")]
    NotEnded(Id),
    /// An item was opened twice.
    #[error("{0} is open already; expected it to be closed first")]
    AlreadyOpen(OpenItem),
    /// An item was continued or closed that is not open.
    #[error("{0} is not open; expected {opener} first", opener = .0.opener())]
    NotOpen(OpenItem),
    /// A run finished with open items.
    #[error("still open: {}; expected them to be closed before the run finishes", list(.0))]
    StillOpen(Vec<OpenItem>),
    /// An event's sub-agent is not the one that what it continues belongs to.
    #[error("{what} {id:?} belongs to {}, not to {}", agent(.owner.as_ref()), agent(.found.as_ref()))]
    OtherOwner {
        /// What is continued.
        what: &'static str,
        /// Its id.
        id: Id,
        /// Its sub-agent; absent: the run's own agent.
        owner: Option<Id>,
        /// The sub-agent that the event names.
        found: Option<Id>,
    },
    /// A sub-agent's event does not say which.
    #[error("expected subagentRunId")]
    NoSubagent,
    /// An event of the whole run names a sub-agent.
    #[error("belongs to the whole run; expected no subagentRunId")]
    Attributed,
    /// A sub-agent started twice.
    #[error("sub-agent {0:?} has already ended in this run; expected a new id")]
    SubagentReused(Id),
    /// A sub-agent's parent never started.
    #[error("parent sub-agent {0:?} has not started in this run; expected its SUBAGENT_STARTED first")]
    UnknownParent(Id),
    /// A chunk in a log.
    #[error("chunks are not allowed in a log; expected start, content and end events")]
    Chunk,
    /// A patch that is not one.
    #[error("not a JSON patch: {0}")]
    Patch(#[from] PatchError),
    /// A run asks, but nothing.
    #[error("an interrupt outcome needs at least one interrupt")]
    NoInterrupts,
    /// Two interrupts with one id.
    #[error("interrupt {0:?} occurs twice; expected unique ids")]
    RepeatedInterrupt(Id),
}

impl Violation {
    pub(super) fn of(event: &Event, rule: Rule) -> Self {
        Self { event: event.kind.name(), id: id_of(event), rule }
    }

    pub(super) fn at_the_end(rule: Rule) -> Self {
        Self { event: "end of stream", id: None, rule }
    }
}

fn id_of(event: &Event) -> Option<String> {
    let id: &str = match &event.kind {
        EventKind::RunStarted { run_id, .. } | EventKind::RunFinished { run_id, .. } => run_id,
        EventKind::StepStarted { step_name } | EventKind::StepFinished { step_name } => step_name,
        EventKind::TextMessageStart { message_id, .. }
        | EventKind::TextMessageContent { message_id, .. }
        | EventKind::TextMessageEnd { message_id }
        | EventKind::ToolCallResult { message_id, .. }
        | EventKind::ActivitySnapshot { message_id, .. }
        | EventKind::ActivityDelta { message_id, .. }
        | EventKind::ReasoningStart { message_id }
        | EventKind::ReasoningMessageStart { message_id, .. }
        | EventKind::ReasoningMessageContent { message_id, .. }
        | EventKind::ReasoningMessageEnd { message_id }
        | EventKind::ReasoningEnd { message_id } => message_id,
        EventKind::ToolCallStart { tool_call_id, .. }
        | EventKind::ToolCallArgs { tool_call_id, .. }
        | EventKind::ToolCallEnd { tool_call_id } => tool_call_id,
        EventKind::ReasoningEncryptedValue { entity_id, .. } => entity_id,
        EventKind::Custom { name, .. } => name,
        EventKind::TextMessageChunk { message_id, .. } | EventKind::ReasoningMessageChunk { message_id, .. } => {
            message_id.as_ref()?
        }
        EventKind::ToolCallChunk { tool_call_id, .. } => tool_call_id.as_ref()?,
        EventKind::SubagentStarted { .. } | EventKind::SubagentFinished { .. } | EventKind::SubagentError { .. } => {
            event.subagent_run_id.as_ref()?
        }
        EventKind::RunError { .. }
        | EventKind::StateSnapshot { .. }
        | EventKind::StateDelta { .. }
        | EventKind::MessagesSnapshot { .. }
        | EventKind::Raw { .. } => return None,
    };
    Some(id.to_owned())
}

/// An id after an event's name.
struct Named<'a>(Option<&'a str>);

impl fmt::Display for Named<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |id| write!(f, " {id:?}"))
    }
}

fn list(items: &[OpenItem]) -> String {
    let items: Vec<String> = items.iter().map(ToString::to_string).collect();
    items.join(", ")
}

fn agent(id: Option<&Id>) -> String {
    id.map_or("the run's own agent".into(), |id| format!("sub-agent {id:?}"))
}
