//! The platform's tools over streamable HTTP: a runner's engine, a bridge whose agents call them that way, and clients that
//! speak MCP by hand.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a rig that does not work fails its test")]

#[path = "../support/turns.rs"]
mod turns;

mod client;
mod rig;

mod calls;
mod strangers;
