//! Agents as plain children of this process: the laptop, and pods without an agent container.

use std::{path::Path, sync::Arc};

use super::{
    AgentHost, AgentProcess, BoxFuture, Exit, HostError, ProcessControl, ProcessSpec, Signal,
    leader::{Leader, Owned},
    registry::Registry,
    stdio,
};

/// Starts agents as children, each the leader of its own process group.
///
/// When a leader ends, what is left of its group is killed. When this process is killed its agents are not: their stdin
/// closes, which ends a well-behaved agent after its turn; [`LocalHost::with_registry`] ends the others at the next start.
#[derive(Debug, Clone, Default)]
pub struct LocalHost {
    registry: Option<Registry>,
}

impl LocalHost {
    /// A host that notes nothing on disk.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A host that notes its running agents in `folder` (made when missing), and has ended, within 2 s, those that a
    /// killed runner left there. Agents of a runner that still lives are left alone, so several may share the folder.
    pub async fn with_registry(folder: &Path) -> std::io::Result<Self> {
        let registry = Registry::open(folder).await?;
        Ok(Self { registry: Some(registry) })
    }

    fn launch(&self, spec: &ProcessSpec) -> Result<AgentProcess, HostError> {
        let (ours, theirs) = stdio::pipes(spec)?;
        let leader = Leader::start(spec, theirs, |tree| self.registry.as_ref()?.record(tree))?;
        Ok(ours.with(Box::new(Child(Owned(leader)))))
    }
}

impl AgentHost for LocalHost {
    fn start(&self, spec: ProcessSpec) -> BoxFuture<'_, Result<AgentProcess, HostError>> {
        Box::pin(async move { self.launch(&spec) })
    }
}

/// The handle of a child.
struct Child(Owned);

impl ProcessControl for Child {
    fn pid(&self) -> u32 {
        self.0.0.pid()
    }

    fn signal(&self, signal: Signal) -> Result<(), HostError> {
        self.0.0.signal(signal)
    }

    fn wait(&self) -> BoxFuture<'_, Result<Exit, HostError>> {
        let leader = Arc::clone(&self.0.0);
        Box::pin(async move { leader.wait().await })
    }
}
