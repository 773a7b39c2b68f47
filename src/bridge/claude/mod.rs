//! Claude Code, driven over its stdin and stdout.
//!
//! One process serves one thread. `launch` says what it is started with, `actor` owns it, `session` says what its
//! lines mean and `translate` turns them into events; `thread` replaces processes and keeps the conversation.
//!
//! A turn that asks a person and calls frontend tools at once ends with [`Ending::Asked`](super::Ending::Asked); answers to
//! the tool calls may come with the answer to the question, and calls without an answer are declined.

mod actor;
mod agent;
mod between;
mod config;
mod control;
#[cfg(test)]
mod garbage;
mod idle;
mod launch;
mod ledger;
mod line;
mod mcp;
mod mcp_file;
mod mcp_status;
mod outcome;
pub(crate) mod policy;
mod progress;
mod prompt;
pub(crate) mod record;
pub(crate) mod session;
mod sessions;
mod shell;
mod tail;
mod task_output;
mod tasks;
mod thread;
mod transcript;
mod translate;
mod untold;
mod wire;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::Duration,
};

use futures_util::future::join_all;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{
    AgentTask, Bridge, BridgeError, EventSink, Features, McpServerStatus, SessionSpec, TaskError, TaskStatus, Turn,
    TurnEnd,
};
use crate::{
    agui::Id,
    host::{AgentHost, BoxFuture},
};
use agent::Shared;
pub use config::{ClaudeConfig, Timing};
use sessions::Sessions;
use thread::Thread;

/// The MCP server whose tools the client executes.
const FRONTEND_SERVER: &str = "ui";

/// How the agent sees those tools.
const FRONTEND_PREFIX: &str = "mcp__ui__";

/// How long [`Bridge::shutdown`] may take.
const SHUTDOWN: Duration = Duration::from_secs(5);

/// Drives Claude Code on an [`AgentHost`].
pub struct ClaudeBridge {
    shared: Arc<Shared>,
    threads: Mutex<HashMap<Id, Arc<Thread>>>,
}

impl ClaudeBridge {
    /// A bridge; it starts no process yet. Reads which conversations there are from the configured data directory.
    #[must_use]
    pub fn new(config: ClaudeConfig, host: Arc<dyn AgentHost>) -> Self {
        let sessions = Sessions::open(&config.data_dir);
        let shared = Shared {
            config,
            host,
            sessions,
            tasks: Arc::default(),
            threads: idle::Threads::default(),
            wake: OnceLock::new(),
            shutdown: CancellationToken::new(),
        };
        Self { shared: Arc::new(shared), threads: Mutex::default() }
    }

    fn thread(&self, id: &Id) -> Arc<Thread> {
        let mut threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
        let new = || {
            let thread = Arc::new(Thread::new(Arc::clone(&self.shared), id.clone()));
            self.shared.threads.add(&thread);
            thread
        };
        Arc::clone(threads.entry(id.clone()).or_insert_with(new))
    }
}

impl Bridge for ClaudeBridge {
    fn name(&self) -> &'static str {
        "claude-agent-sdk"
    }

    fn features(&self) -> Features {
        Features {
            reasoning: true,
            interrupts: true,
            frontend_tools: true,
            structured_output: true,
            session_persistence: true,
            images: true,
        }
    }

    fn warm(&self, session: SessionSpec) -> BoxFuture<'_, Result<(), BridgeError>> {
        let thread = self.thread(&session.thread_id);
        Box::pin(async move { thread.warm(&session).await })
    }

    fn turn(&self, turn: Turn, events: EventSink) -> BoxFuture<'_, TurnEnd> {
        let thread = self.thread(&turn.session.thread_id);
        Box::pin(async move { thread.turn(turn, events).await })
    }

    fn follow_ups(&self, wake: mpsc::Sender<Id>) {
        // The contract: it is called once.
        self.shared.wake.set(wake).ok();
    }

    fn has_follow_up(&self, thread: &Id) -> bool {
        let known = self.threads.lock().unwrap_or_else(PoisonError::into_inner).get(thread).cloned();
        known.is_some_and(|thread| thread.has_follow_up())
    }

    fn mcp_status<'a>(&'a self, thread: &'a Id) -> BoxFuture<'a, Result<Option<Vec<McpServerStatus>>, BridgeError>> {
        let known = self.threads.lock().unwrap_or_else(PoisonError::into_inner).get(thread).cloned();
        Box::pin(async move {
            match known {
                Some(thread) => thread.mcp_status().await,
                None => Ok(None),
            }
        })
    }

    fn tasks(&self) -> Vec<AgentTask> {
        self.shared.tasks.all()
    }

    fn task_output<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<String, TaskError>> {
        Box::pin(task_output::read(&self.shared, id))
    }

    fn stop_task<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<TaskStatus, TaskError>> {
        Box::pin(async move {
            let task = self.shared.tasks.get(id).ok_or_else(|| TaskError::Unknown(id.to_owned()))?;
            if task.status == TaskStatus::Running {
                self.thread(&task.thread_id).stop_task(id).await?;
            }
            Ok(task.status)
        })
    }

    fn shutdown(&self) -> BoxFuture<'_, ()> {
        let threads: Vec<_> =
            self.threads.lock().unwrap_or_else(PoisonError::into_inner).drain().map(|(_, thread)| thread).collect();
        self.shared.shutdown.cancel();
        Box::pin(async move {
            let closing = join_all(threads.iter().map(|thread| thread.close()));
            // What is left then is killed when the last handle goes.
            tokio::time::timeout(SHUTDOWN, closing).await.ok();
        })
    }
}
