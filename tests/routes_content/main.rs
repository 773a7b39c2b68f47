//! `/content/*`: each route, each of its errors, and what a hostile workspace or client may try.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a rig that does not work fails its test")]

#[path = "../support/bare.rs"]
mod bare;
#[path = "../support/fake_claude.rs"]
mod fake_claude;

mod rig;

mod any_requests;
mod any_writes;
mod errors;
mod files;
mod git;
mod long;
mod paths;
mod server;
mod workflow;
