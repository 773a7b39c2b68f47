//! A started process that leads its own group: signalling it, and learning how it ended.
//!
//! A pid may be used again as soon as its process is reaped, and the group's id with it once the group is empty. So one
//! lock guards both signalling and reaping: nothing is signalled after the reaping, and what is left of the group is
//! killed just before it, while the dead leader still holds the number.

use std::{
    io,
    os::unix::process::{CommandExt, ExitStatusExt},
    process::Command,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use rustix::{
    io::Errno,
    process::{Pid, Signal as Sig, WaitId, WaitIdOptions, kill_process_group, waitid},
};
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::watch,
};
use uuid::Uuid;

use super::{
    Exit, HostError, ProcessSpec, Signal, oom,
    registry::Record,
    resolve,
    stdio::Theirs,
    tree::{self, Tree},
};

/// How a process ended; the text says why its status is not known.
type Ended = Result<Exit, String>;

/// A process, until it is reaped and afterwards.
pub(super) struct Leader {
    pid: Pid,
    tree: Tree,
    number: Mutex<Number>,
    ended: watch::Sender<Option<Ended>>,
    oom_kills_before: u64,
}

/// Whom the pid names.
enum Number {
    /// Our process, running or dead. Its record goes when the number does.
    Ours { _record: Option<Record> },
    /// Reaped: it may name anybody.
    Free,
}

impl Leader {
    /// Starts the process and a task that reaps it as soon as it ends. `record` notes its pid for a later runner.
    pub(super) fn start(
        spec: &ProcessSpec,
        stdio: Theirs,
        record: impl FnOnce(&Tree) -> Option<Record>,
    ) -> Result<Arc<Self>, HostError> {
        let program = resolve::resolve(spec)?;
        let failed = |error: io::Error| HostError::Start {
            program: spec.program.to_string_lossy().into_owned(),
            reason: resolve::explain(&program, &error),
        };
        // Before the start, so that no death is missed.
        let mut deaths = signal(SignalKind::child()).map_err(failed)?;
        let oom_kills_before = oom::kills();
        let mark = Uuid::new_v4().simple().to_string();
        let child = Command::new(&program)
            .args(&spec.args)
            .env_clear()
            .envs(spec.env.iter().map(|(name, value)| (name, value)))
            .env(tree::VARIABLE, &mark)
            .current_dir(&spec.cwd)
            .process_group(0)
            .stdin(stdio.stdin)
            .stdout(stdio.stdout)
            .stderr(stdio.stderr)
            .spawn()
            .map_err(failed)?;
        // The library's handle is dropped here, which neither kills nor reaps.
        let tree = Tree { leader: child.id(), mark };
        let leader = Arc::new(Self {
            pid: Pid::from_child(&child),
            number: Mutex::new(Number::Ours { _record: record(&tree) }),
            tree,
            ended: watch::Sender::new(None),
            oom_kills_before,
        });
        let task = Arc::clone(&leader);
        tokio::spawn(async move { while !task.reap() && deaths.recv().await.is_some() {} });
        Ok(leader)
    }

    pub(super) fn pid(&self) -> u32 {
        self.tree.leader
    }

    /// Signals the group. A kill also reaches the descendants that left the group.
    pub(super) fn signal(&self, signal: Signal) -> Result<(), HostError> {
        let number = self.number();
        match *number {
            Number::Free => return Ok(()),
            Number::Ours { .. } => {}
        }
        let sent = match signal {
            Signal::Interrupt => kill_process_group(self.pid, Sig::INT),
            Signal::Terminate => kill_process_group(self.pid, Sig::TERM),
            Signal::Kill => self.tree.kill(),
        };
        match sent {
            Ok(()) | Err(Errno::SRCH) => Ok(()),
            Err(error) => Err(HostError::Lost(format!("process {} cannot be signalled: {error}", self.pid()))),
        }
    }

    /// Resolves when the process has ended.
    pub(super) async fn wait(&self) -> Result<Exit, HostError> {
        let mut ended = self.ended.subscribe();
        let ended = ended.wait_for(Option::is_some).await;
        match ended.ok().and_then(|ended| ended.clone()) {
            Some(Ok(exit)) => Ok(exit),
            Some(Err(reason)) => Err(HostError::Lost(reason)),
            None => Err(HostError::Lost("the runtime that watched the process has ended".into())),
        }
    }

    /// Reaps the process if it has ended, and tells everybody who waits. True when there is nothing left to reap.
    pub(super) fn reap(&self) -> bool {
        let mut number = self.number();
        if matches!(*number, Number::Free) {
            return true;
        }
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        let ended = match waitid(WaitId::Pid(self.pid), options) {
            Ok(None) | Err(Errno::INTR) => return false,
            Ok(Some(status)) => {
                self.end_rest(status.exited());
                self.collect()
            }
            Err(error) => self.lost(&error.to_string()),
        };
        *number = Number::Free;
        drop(number);
        self.ended.send_replace(Some(ended));
        true
    }

    /// Ends what the dead leader left. One that exited by itself had the chance to end its commands, and what then still
    /// runs outside its group is meant to; one that was killed had none.
    fn end_rest(&self, exited: bool) {
        // Best effort: the group may be empty.
        let _ = self.tree.kill_group();
        if !exited {
            self.tree.kill_marked();
        }
    }

    fn collect(&self) -> Ended {
        let usage = match wait4::try_wait4_pid(self.pid()) {
            Ok(Some(usage)) => usage,
            Ok(None) => return self.lost("it was reported dead, but is not"),
            Err(error) => return self.lost(&error.to_string()),
        };
        Ok(Exit {
            code: usage.status.code(),
            signal: usage.status.signal(),
            oom_kills: oom::kills().saturating_sub(self.oom_kills_before),
            peak_memory: Some(usage.rusage.maxrss).filter(|bytes| *bytes > 0),
        })
    }

    fn lost(&self, reason: &str) -> Ended {
        Err(format!("the exit status of process {} is lost: {reason}", self.pid()))
    }

    fn number(&self) -> MutexGuard<'_, Number> {
        self.number.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The one owner of a leader; dropping it kills the process and its descendants.
pub(super) struct Owned(pub(super) Arc<Leader>);

impl Drop for Owned {
    fn drop(&mut self) {
        if let Err(error) = self.0.signal(Signal::Kill) {
            tracing::warn!(%error, "a process outlives its owner");
        }
    }
}
