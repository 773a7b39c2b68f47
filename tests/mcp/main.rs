//! MCP as a session has it: `ambient runner`, the real agent CLI, real servers, a scripted model.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a rig that does not work fails its test")]

#[path = "../support/claude.rs"]
mod claude;
#[path = "../support/fake_claude.rs"]
mod fake_claude;
#[path = "../support/model.rs"]
mod model;
#[path = "../support/needs.rs"]
mod needs;
#[allow(dead_code, reason = "each test uses its part")]
#[path = "../runner/rig.rs"]
mod rig;

mod acp;
mod agent;
mod http;
mod real;
mod status;
mod tools;
