//! The Claude bridge with the real CLI and a scripted model: the 26 rows, each on both hosts.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on fails"
)]

#[path = "../support/model.rs"]
mod model;
mod rig;

mod ends;
mod stream;
mod turns;

use rig::{local, socket};

/// Every row as a test on each host.
macro_rules! on_both_hosts {
    ($($module:ident: $($row:ident)*;)*) => {
        mod on_local {
            $($(#[tokio::test] async fn $row() { if let Some(place) = super::local() { super::$module::$row(place).await } })*)*
        }
        mod on_socket {
            $($(#[tokio::test] async fn $row() { if let Some(place) = super::socket().await { super::$module::$row(place).await } })*)*
        }
    };
}

on_both_hosts! {
    stream: row_01_text_deltas row_02_thinking row_03_tools_with_results_and_errors_in_parallel;
    turns: row_09_interrupt row_10_resume_by_session_id row_18_usage_and_cost_per_run row_19_started_before_the_first_prompt;
    ends: row_22_a_start_that_fails_says_its_stderr;
}
