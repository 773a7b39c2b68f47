//! Coding agents as Kubernetes objects.
//!
//! An `AgenticSession` is a workspace with an agent in it; a `Run` is one turn of work. This crate is one library and
//! one binary, `ambient`, that plays every role: the laptop (`ambient run`), the runner of a pod (`ambient runner`) and
//! the supervisor beside the agent (`ambient agent`).
//!
//! Modules and who may use whom (a test checks it, see `tests/architecture.rs`):
//!
//! | module | role | may use |
//! |---|---|---|
//! | [`api`] | resources, validation, names, conditions, outcomes; no IO | - |
//! | [`agui`] | AG-UI 1.0 events, input, SSE, verifier, compaction; no IO | - |
//! | [`security`] | redaction and input sanitising; no IO | - |
//! | [`host`] | starting an agent's process, here or in another container | - |
//! | [`eventlog`] | the append-only log of a thread | `agui` |
//! | [`fold`] | events to the status of a Run; no IO | `api`, `agui` |
//! | [`bridge`] | one agent's protocol to AG-UI events | `agui`, `host` |
//! | [`workspace`] | layout, clones, files | `api`, `security`, `host` |
//! | [`runner`] | threads, turns and the HTTP server | all above |
//! | [`operator`] | reconciling sessions and Runs in a cluster | `api`, `agui`, `eventlog`, `fold`, `security` |
//! | [`cli`] | one file per verb | all |

pub mod agui;
pub mod api;
pub mod bridge;
pub mod cli;
pub mod eventlog;
pub mod fold;
pub mod host;
pub mod operator;
pub mod runner;
pub mod security;
pub mod workspace;
