//! `ambient run` as a person at a terminal or a script uses it: the real binary, the fake agent CLI.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a rig that does not work fails its test")]

#[path = "../support/chance.rs"]
mod chance;
#[path = "../support/fake_claude.rs"]
mod fake_claude;

mod rig;

mod again;
mod changes;
mod ends;
mod interrupts;
mod kills;
mod output;
mod replay;
mod verbs;
