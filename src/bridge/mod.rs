//! What an agent must be able to do for the runner, and the agents that can.
//!
//! A bridge translates and nothing else: it drives one agent's protocol and emits AG-UI events. Run boundaries
//! (`RUN_STARTED`, `RUN_FINISHED`, `RUN_ERROR`), redaction, verification, the log and deadlines belong to the runner.

pub mod claude;
mod mcp;
pub mod replay;
mod task;
pub mod tools;

use std::{
    any::Any,
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

use serde_json::Value;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::{
    agui::{ContentPart, Event, Id, Interrupt, Tool, Usage},
    host::{BoxFuture, Variables},
};

pub use mcp::{McpServerStatus, McpServers, McpTool};

pub use task::{AgentTask, TaskError, TaskStatus};
pub use tools::ToolsEndpoint;

/// Where a bridge puts the events of a turn. Bounded: an agent that writes faster than the log takes waits.
pub type EventSink = mpsc::Sender<Event>;

/// An agent that can take turns on threads.
///
/// One object serves every thread of a runner. Calls for different threads run concurrently; the runner never asks for
/// two turns of one thread at once.
pub trait Bridge: Send + Sync {
    /// The runner type, as in `RUNNER_TYPE` (`claude-agent-sdk`, `replay` …).
    fn name(&self) -> &'static str;

    /// What the agent can do, for `GET /capabilities`.
    fn features(&self) -> Features;

    /// Starts the agent of a thread before its first prompt, so that the prompt finds it warm. Best effort: a failure is
    /// told again, with its reason, by the turn that needs the agent.
    fn warm(&self, session: SessionSpec) -> BoxFuture<'_, Result<(), BridgeError>>;

    /// Runs one turn to its end. Every text, reasoning and tool-call item that the turn opens is closed before it
    /// resolves, whatever happened. When `turn.interrupt` is cancelled the agent is asked to stop, and the turn ends with
    /// [`Ending::Interrupted`] soon; when it does not obey, the bridge ends the agent's process.
    fn turn(&self, turn: Turn, events: EventSink) -> BoxFuture<'_, TurnEnd>;

    /// Threads whose agent began a turn by itself, or whose background task ended without one. The runner answers with a turn whose
    /// input is [`TurnInput::FollowUp`]; until then the agent's output waits. Called once, at start.
    fn follow_ups(&self, wake: mpsc::Sender<Id>);

    /// Whether a turn with [`TurnInput::FollowUp`] would have something to tell. Another turn may have told it in the meantime,
    /// and then nobody needs an empty one.
    fn has_follow_up(&self, _thread: &Id) -> bool {
        true
    }

    /// Whether its agents call the platform's own tools over HTTP. Each [`SessionSpec`] then says where.
    fn takes_tools_over_http(&self) -> bool {
        false
    }

    /// The MCP servers of a thread's running agent, as that agent sees them now; `None`: no agent of the thread runs. It never
    /// waits for a turn, and starts nothing.
    fn mcp_status<'a>(&'a self, _thread: &'a Id) -> BoxFuture<'a, Result<Option<Vec<McpServerStatus>>, BridgeError>> {
        Box::pin(async { Ok(None) })
    }

    /// What the agents do beside their turns, and what they did last; oldest first, bounded.
    fn tasks(&self) -> Vec<AgentTask> {
        Vec::new()
    }

    /// What a task has written so far; at most 10 MiB.
    fn task_output<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<String, TaskError>> {
        Box::pin(async { Err(TaskError::Unknown(id.to_owned())) })
    }

    /// Asks the agent to stop a task; returns how far it was.
    fn stop_task<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<TaskStatus, TaskError>> {
        Box::pin(async { Err(TaskError::Unknown(id.to_owned())) })
    }

    /// Ends the agents of all threads, politely first; resolves when every process is gone. Bounded by 5 s.
    fn shutdown(&self) -> BoxFuture<'_, ()>;
}

/// Gives each agent's process a way of its own to ask the runner for what it may have (credentials, at use).
pub trait AgentChannels: Send + Sync {
    /// Opens a way for a process of `user`'s on a thread, and adds to its environment what finds it. It ends when the guard
    /// is dropped.
    fn open(&self, thread: &Id, user: Option<&str>, env: &mut Variables) -> Box<dyn Any + Send + Sync>;
}

/// What an agent can do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "a set of independent abilities, as the protocol lists them")]
pub struct Features {
    /// It reports its thinking.
    pub reasoning: bool,
    /// It can ask and go on with the answer.
    pub interrupts: bool,
    /// It calls tools that the client executes.
    pub frontend_tools: bool,
    /// It can answer in a given JSON Schema.
    pub structured_output: bool,
    /// It goes on with a conversation after a restart.
    pub session_persistence: bool,
    /// It takes images.
    pub images: bool,
}

/// What the agent of a thread is started with. Two specs that differ need a new process (which resumes the conversation).
#[derive(Debug, Clone, PartialEq)]
pub struct SessionSpec {
    /// The thread whose agent this is.
    pub thread_id: Id,
    /// Where it works; exists.
    pub cwd: PathBuf,
    /// More directories it may use.
    pub add_dirs: Vec<PathBuf>,
    /// The model, or the agent's default.
    pub model: Option<String>,
    /// What goes after the agent's own system prompt.
    pub system_prompt: SystemPrompt,
    /// What the agent may do unasked.
    pub permission_mode: PermissionMode,
    /// Tools that need no permission; absent: the bridge's default list.
    pub allowed_tools: Option<Vec<String>>,
    /// Tools that are refused.
    pub disallowed_tools: Vec<String>,
    /// How many times the model may be asked in one turn.
    pub max_turns: Option<u32>,
    /// A JSON Schema that the final answer must match.
    pub output_schema: Option<Value>,
    /// Tools that the client executes.
    pub frontend_tools: Vec<Tool>,
    /// More environment for the agent's process (credentials of the session; the values are secrets).
    pub env: Secrets,
    /// MCP servers that the agent starts or connects to, beside the platform's own tools.
    pub mcp_servers: McpServers,
    /// What of its folders' own instructions the agent is given.
    pub instructions: Instructions,
    /// Where the platform's own tools are, if the bridge asks for them over HTTP ([`Bridge::takes_tools_over_http`]).
    pub tools_endpoint: Option<ToolsEndpoint>,
    /// Whose runs the process serves. Another person's run needs another process: what the first one's agent left running
    /// must not act for the second.
    pub user: Option<String>,
}

/// What an agent takes from the folders that it works in: who has written them is not who has started it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Instructions {
    /// Folders whose instructions (`CLAUDE.md`) are read, and nothing else of them.
    pub folders: Vec<PathBuf>,
    /// The working directory is that of a workflow, which holds no settings: its instructions, commands, skills and agents are
    /// the agent's too. The names that a prompt may begin with, after a slash.
    pub workflow: Option<BTreeSet<String>>,
}

/// Environment variables whose values are never shown.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secrets(pub BTreeMap<String, String>);

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// How the agent is instructed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SystemPrompt {
    /// The agent's own prompt with this text after it (empty: nothing).
    Append(String),
    /// This text instead of the agent's own prompt.
    Replace(String),
}

/// What an agent may do without being allowed to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum PermissionMode {
    /// Only reading, and what `allowed_tools` names.
    Default,
    /// Also changing files in its working directories.
    #[default]
    AcceptEdits,
    /// Only planning.
    Plan,
    /// Everything.
    BypassPermissions,
    /// What is not allowed is refused without asking.
    DontAsk,
}

/// One turn.
#[derive(Debug, Clone)]
pub struct Turn {
    /// The run's id, for naming what the turn creates.
    pub run_id: Id,
    /// What the agent must be running with.
    pub session: SessionSpec,
    /// What the agent is told.
    pub input: TurnInput,
    /// Cancelled when the turn is to stop.
    pub interrupt: CancellationToken,
}

/// What the agent is told in a turn.
#[derive(Debug, Clone, PartialEq)]
pub enum TurnInput {
    /// A person's message.
    Prompt(Vec<ContentPart>),
    /// Answers to every open interrupt and pending frontend tool call of the turn before.
    Answers {
        /// One for each open call.
        answers: Vec<Answer>,
        /// What the person says besides; often nothing.
        then: Vec<ContentPart>,
    },
    /// Nothing: the agent has begun by itself, or there is an end to tell of.
    FollowUp,
}

/// The answer to one open tool call.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// The call that is answered.
    pub tool_call_id: Id,
    /// The answer: a person's payload, or the result of a frontend tool as text. Absent: the person declined.
    pub payload: Option<Value>,
}

/// How a turn ended, with its evidence.
#[derive(Debug, Clone, PartialEq)]
pub struct TurnEnd {
    /// Which way it ended.
    pub ending: Ending,
    /// The final text of the answer, if there is one.
    pub result: Option<String>,
    /// The final answer in the schema that was asked for.
    pub structured_output: Option<Value>,
    /// What this turn used, an entry per model.
    pub usage: Vec<Usage>,
    /// How many times the model was asked.
    pub turns: u32,
    /// What this turn cost in US dollars, as the agent counts it.
    pub cost_usd: Option<f64>,
    /// The agent's own id of the conversation.
    pub agent_session_id: Option<String>,
}

impl TurnEnd {
    /// The end of a turn that no agent had a part in.
    #[must_use]
    pub fn untaken(ending: Ending) -> Self {
        Self {
            ending,
            result: None,
            structured_output: None,
            usage: Vec::new(),
            turns: 0,
            cost_usd: None,
            agent_session_id: None,
        }
    }
}

/// Which way a turn ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Ending {
    /// The agent says it is done.
    Completed,
    /// The agent called frontend tools and waits for their results.
    PendingTools(Vec<Id>),
    /// The agent asks a person.
    Asked(Vec<Interrupt>),
    /// It was stopped as asked.
    Interrupted,
    /// It did not end well.
    Failed {
        /// Whose fault it is.
        kind: FailureKind,
        /// A sentence with the reason and the remedy. Not redacted yet.
        message: String,
    },
}

/// Whose fault a failed turn is, and so what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FailureKind {
    /// The agent reached its limit of model calls.
    MaxTurns,
    /// The agent reached its budget.
    BudgetExceeded,
    /// The provider's quota is used up; it says when it is back (Unix seconds), if it does.
    ProviderLimit {
        /// When to try again, in Unix seconds.
        resume_at: Option<i64>,
    },
    /// The provider failed or could not be reached.
    ProviderError,
    /// The provider refused the credentials.
    AuthFailed,
    /// The agent reported an error of its own.
    AgentError,
    /// The agent's process died in the turn.
    AgentCrashed {
        /// The kernel ended it for its memory use.
        out_of_memory: bool,
    },
    /// The agent could not be started.
    SetupFailed,
}

/// Why a bridge could not do something outside a turn.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct BridgeError {
    /// What a turn would end with.
    pub kind: FailureKind,
    /// A sentence with the reason and the remedy. Not redacted yet.
    pub message: String,
}
