//! The supervisor's processes, and as PID 1 the container's orphans.
//!
//! A process whose parent ended becomes a child of PID 1, which must reap it. Each agent is reaped by its own watcher,
//! which needs its exit status; so the orphans are picked out one by one among the dead that are not agents. One lock
//! keeps a starting agent from being taken for an orphan before it is known.

use std::{
    collections::HashSet,
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};
use tokio::{
    signal::unix::{SignalKind, signal},
    task::JoinSet,
};

use super::super::{
    HostError, ProcessSpec,
    leader::{Leader, Owned},
    proc::{self, Stat},
    stdio::Theirs,
};

/// The running agents.
pub(super) struct Children {
    agents: Mutex<HashSet<u32>>,
    is_init: bool,
}

impl Children {
    pub(super) fn new() -> Self {
        Self { agents: Mutex::default(), is_init: std::process::id() == 1 }
    }

    /// Starts an agent, which is killed when the child is dropped.
    pub(super) fn start(self: &Arc<Self>, spec: &ProcessSpec, stdio: Theirs) -> Result<Child, HostError> {
        let mut agents = self.agents();
        let leader = Leader::start(spec, stdio, |_| None)?;
        let pid = leader.pid();
        agents.insert(pid);
        tracing::info!(pid, program = %spec.program.display(), "started");
        Ok(Child { agent: Owned(leader), _seat: Seat { children: Arc::clone(self), pid } })
    }

    /// As PID 1, reaps orphans until the set is dropped.
    pub(super) fn reap_orphans(self: &Arc<Self>) -> io::Result<JoinSet<()>> {
        let mut tasks = JoinSet::new();
        if self.is_init {
            let mut deaths = signal(SignalKind::child())?;
            let children = Arc::clone(self);
            tasks.spawn(async move {
                while deaths.recv().await.is_some() {
                    children.reap();
                }
            });
        }
        Ok(tasks)
    }

    fn reap(&self) {
        let agents = self.agents();
        let own = std::process::id();
        let dead = |process: &Stat| process.parent == own && !process.is_alive() && !agents.contains(&process.pid);
        for process in proc::all().into_iter().filter(dead) {
            if let Some(pid) = Pid::from_raw(process.pid.cast_signed()) {
                // Nobody asks how it ended.
                let _ = waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | WaitIdOptions::NOHANG);
            }
        }
    }

    fn forget(&self, pid: u32) {
        self.agents().remove(&pid);
        tracing::info!(pid, "ended");
    }

    fn agents(&self) -> MutexGuard<'_, HashSet<u32>> {
        self.agents.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A running agent. The fields are dropped in this order: it is killed first, and forgotten then.
pub(super) struct Child {
    agent: Owned,
    _seat: Seat,
}

impl Child {
    pub(super) fn leader(&self) -> Arc<Leader> {
        Arc::clone(&self.agent.0)
    }
}

struct Seat {
    children: Arc<Children>,
    pid: u32,
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.children.forget(self.pid);
    }
}
