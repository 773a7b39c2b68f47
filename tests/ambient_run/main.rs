//! `ambient run` as a person at a terminal or a script uses it: the real binary, the fake agent CLI.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a rig that does not work fails its test")]

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

mod again;
mod changes;
mod ends;
mod interrupts;
mod kills;
mod output;
mod replay;
mod verbs;
