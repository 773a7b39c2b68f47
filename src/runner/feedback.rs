//! What people and agents say of the work: thumbs, corrections, evaluations. An interface, so that traces can receive it.

use serde_json::Value;

use crate::agui::Id;

/// Where feedback goes besides the event log: traces, later.
pub trait FeedbackSink: Send + Sync {
    /// Takes one piece and returns at once; what takes time is queued. True: it will be recorded outside of the event log.
    /// False: nobody is there to record it, or its queue is full.
    fn accept(&self, feedback: Feedback) -> bool;
}

/// One piece of feedback. Not redacted: a sink redacts what it sends on.
#[derive(Debug, Clone, PartialEq)]
pub struct Feedback {
    /// What it is.
    pub kind: FeedbackKind,
    /// The thread it is about.
    pub thread_id: Id,
    /// The run it is about, if that is known.
    pub run_id: Option<Id>,
    /// When it was given, in milliseconds since the Unix epoch.
    pub at_ms: i64,
    /// Its details, an object; the members depend on the kind.
    pub payload: Value,
}

/// The kinds of feedback.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FeedbackKind {
    /// A person likes it.
    ThumbsUp,
    /// A person does not.
    ThumbsDown,
    /// A person corrected the agent, as the agent tells it.
    Correction,
    /// The agent evaluated its work by the workflow's rubric.
    Rubric,
}

impl FeedbackKind {
    /// The kind's name in events.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ThumbsUp => "thumbs_up",
            Self::ThumbsDown => "thumbs_down",
            Self::Correction => "correction",
            Self::Rubric => "rubric",
        }
    }
}

/// Records nothing besides the event log.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoSink;

impl FeedbackSink for NoSink {
    fn accept(&self, _: Feedback) -> bool {
        false
    }
}
