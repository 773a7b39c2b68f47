//! Looking at the workspace after a turn.

use crate::{
    api::run::{FileChanges, GitState},
    host::BoxFuture,
};

/// The workspace as a turn left it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Left {
    /// The repositories.
    pub git: Vec<GitState>,
    /// What happened to the files outside of them; nothing where nobody looks.
    pub files: Option<FileChanges>,
}

/// Tells the state of the workspace. The agent has been there, so an implementation runs git where the agent runs, never
/// beside credentials.
pub trait WorkspaceProbe: Send + Sync {
    /// The workspace as it is now; bounded in time, and empty when it cannot tell.
    fn after_turn(&self) -> BoxFuture<'_, Left>;
}

/// A workspace without repositories, whose files nobody looks at.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoRepositories;

impl WorkspaceProbe for NoRepositories {
    fn after_turn(&self) -> BoxFuture<'_, Left> {
        Box::pin(std::future::ready(Left::default()))
    }
}
