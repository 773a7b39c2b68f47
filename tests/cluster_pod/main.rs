//! A session's pod on a real node: the project's images, the real agent CLI, the restricted security profile.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../support/agui.rs"]
mod agui;
#[path = "../support/cluster/mod.rs"]
mod cluster;
mod command;
mod deaths;
mod images;
mod install;
mod kubelet;
mod limits;
mod matrix;
mod memory;
#[path = "../support/needs.rs"]
mod needs;
mod neighbours;
mod operator;
mod pod;
mod run;
mod stream;
mod walls;
