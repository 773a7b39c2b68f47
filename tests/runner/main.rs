//! `ambient runner` as its clients meet it: a real process, real HTTP, the fake agent CLI.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a rig that does not work fails its test")]

#[path = "../support/agui.rs"]
mod agui;
#[path = "../support/chance.rs"]
mod chance;
#[path = "../support/claude.rs"]
mod claude;
#[path = "../support/fake_claude.rs"]
mod fake_claude;
#[path = "../support/model.rs"]
mod model;
#[path = "../support/needs.rs"]
mod needs;

mod rig;

mod between;
mod contract;
mod deaths;
mod failures;
mod idle;
mod kept;
mod kills;
mod official;
mod queue;
mod secrets;
mod settings;
mod silence;
mod streams;
mod tasks;
