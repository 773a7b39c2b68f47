//! Threads and turns around one bridge, and the HTTP server in front of them.
//!
//! The way of an event: bridge → `pipeline` (redact, verify, append) → the thread's log → readers. A response to a
//! `POST` is only a reader of the log: whoever leaves or is slow changes nothing for the turn.

pub mod backend;
mod caller;
pub mod callers;
pub mod content;
pub mod credentials;
pub mod engine;
mod environment;
pub mod feedback;
pub mod feedback_file;
mod follow;
pub mod http;
pub mod mcp;
mod outcome;
mod pipeline;
mod plan;
pub mod probe;
mod recover;
pub mod redact;
mod sent;
mod session;
pub mod sources;
mod stop;
mod thread;
mod told;
mod turn;

pub use caller::Caller;
pub use engine::{Engine, EngineError, Settings};
pub use environment::Environment;
pub use follow::Follow;
pub use session::{Live, RunOptions, RunRequest, SessionTemplate};
pub use thread::{Start, SubmitError, Ticket};
