//! Not built yet.
pub mod redact;
