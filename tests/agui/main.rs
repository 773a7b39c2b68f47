//! AG-UI types and the pure functions on streams of them.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic, clippy::expect_used)]

mod compact;
mod generate;
mod input;
mod join;
mod messages;
mod patch;
mod sse;
mod stream;
mod types;
mod verify;
