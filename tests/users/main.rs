//! Several people on one session, and their credentials: a real process, real HTTP, the fake agent CLI, a backend of the
//! test's own.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a rig that does not work fails its test")]

#[path = "../support/claude.rs"]
mod claude;
#[path = "../support/fake_claude.rs"]
mod fake_claude;
#[path = "../support/model.rs"]
mod model;
#[path = "../support/needs.rs"]
mod needs;
#[path = "../runner/rig.rs"]
#[allow(dead_code, reason = "other tests of the runner use more of it")]
mod rig;

mod backend;
mod issued;
mod people;

mod committers;
mod credentials;
mod failures;
mod identity;
mod inputs;
mod programs;
mod real;
mod tls;
mod together;
