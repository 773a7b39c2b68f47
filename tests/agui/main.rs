//! AG-UI types and the pure functions on streams of them.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic, clippy::expect_used)]

mod generate;
mod input;
mod sse;
mod types;
mod verify;
