//! AG-UI 1.0: events, input types and messages as plain data. No IO.
//!
//! Lenient on input (unknown members are dropped), strict on output (only described members are written, and what is
//! absent is left out, never `null`). The wire format is the JSON Schema 1.0 of the protocol.

mod event;
mod id;
mod input;
mod message;

pub use event::*;
pub use id::Id;
pub use input::*;
pub use message::*;
