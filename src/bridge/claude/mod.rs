//! Claude Code, driven over its stdin and stdout.

mod line;
mod translate;
mod wire;
