//! Looking at the workspace after a turn.

use crate::{api::run::GitState, host::BoxFuture};

/// Tells the state of the workspace's repositories. The agent has been there, so an implementation runs git where the
/// agent runs, never beside credentials.
pub trait WorkspaceProbe: Send + Sync {
    /// The repositories as they are now; bounded in time, and empty when it cannot tell.
    fn after_turn(&self) -> BoxFuture<'_, Vec<GitState>>;
}

/// A workspace without repositories.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoRepositories;

impl WorkspaceProbe for NoRepositories {
    fn after_turn(&self) -> BoxFuture<'_, Vec<GitState>> {
        Box::pin(std::future::ready(Vec::new()))
    }
}
