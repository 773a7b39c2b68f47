//! The directory that an agent works in: its layout, clones and files, what the agent is told about it, and what changed.

pub mod beneath;
pub mod changes;
pub mod current;
pub mod draft;
pub mod error;
pub mod fetch;
mod files;
pub mod git;
mod hash;
pub mod hydrate;
mod hydrated;
pub mod layout;
pub mod memory;
pub mod paths;
mod plan;
pub mod progress;
pub mod prompt;
pub mod reach;
mod repos;
pub mod spec;
mod state;
mod tree;
pub mod workflow;

pub use current::Current;
pub use error::{HydrateError, Next, Problem};
pub use hydrate::hydrate;
pub use hydrated::{Hydrated, HydratedRepo};
pub use layout::Layout;
pub use progress::Progress;
pub use spec::{Access, FileSpec, Identity, Limits, MainRepo, RepoSpec, WorkspacePlan};
pub(crate) use state::write_private;
