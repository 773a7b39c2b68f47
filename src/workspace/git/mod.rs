//! git, in two settings that must not be confused.
//!
//! Before an agent has run in a workspace, git clones beside us, with credentials (`clone`, `command`, `process`). Afterwards the workspace
//! is hostile: git on it runs where the agent runs, through the `AgentHost`, with none ([`status`]).

pub mod agent_side;
mod branch;
pub mod branches;
pub(super) mod clone;
pub mod command;
pub mod credentials;
pub mod failure;
pub(super) mod porcelain;
mod process;
pub mod progress;
pub mod refname;
pub mod remote;
pub mod status;
pub mod switch;
pub mod uncommitted;
pub mod url;

#[cfg(test)]
mod tests;
