//! `ambient runner` as its clients meet it: a real process, real HTTP, the fake agent CLI.

#[path = "../support/fake_claude.rs"]
mod fake_claude;

mod rig;

mod contract;
mod deaths;
mod failures;
mod queue;
mod secrets;
mod streams;
