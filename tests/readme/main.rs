//! README.md is true: its commands run from top to bottom as a newcomer would type them, its recording is what the demo
//! prints, and what it links to is there.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a README that is not as it should be fails its test")]

#[path = "../support/fake_claude.rs"]
mod fake_claude;

mod commands;
mod links;
mod recording;
