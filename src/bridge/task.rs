//! What an agent does beside its turns: sub-agents and commands in the background.

use crate::agui::Id;

/// One task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentTask {
    /// The agent's id of it.
    pub id: String,
    /// The thread whose agent does it.
    pub thread_id: Id,
    /// What it is, in the agent's words. Not redacted.
    pub description: String,
    /// The agent's name of its kind (`local_bash`, `local_agent`).
    pub kind: String,
    /// The agent's own id of the conversation.
    pub agent_session_id: Option<String>,
    /// How far it is.
    pub status: TaskStatus,
}

/// How far a task is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TaskStatus {
    /// It is at work.
    Running,
    /// It is done.
    Completed,
    /// It did not end well.
    Failed,
    /// It was stopped, or its process ended.
    Stopped,
}

impl TaskStatus {
    /// The status as a word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Stopped => "stopped",
        }
    }
}

/// Why something could not be had of a task.
#[derive(Debug, thiserror::Error)]
pub enum TaskError {
    /// No agent of this runner has such a task.
    #[error("no task {0}; GET /tasks lists those that are known")]
    Unknown(String),
    /// The agent named no file, or the file is gone.
    #[error("task {0} has no output: the agent named no file for it, or the file is gone")]
    NoOutput(String),
    /// There is more than is read.
    #[error("the output of task {id} is larger than {limit} bytes; read the file in the agent's container")]
    TooLarge {
        /// The task.
        id: String,
        /// The most that is read, in bytes.
        limit: usize,
    },
    /// Try again, or look at the agent.
    #[error("{0}")]
    Failed(String),
}
