//! `ambient run` as a person at a terminal or a script uses it: the real binary, the fake agent CLI.

#[path = "../support/fake_claude.rs"]
mod fake_claude;

mod rig;

mod again;
mod ends;
mod output;
mod verbs;
