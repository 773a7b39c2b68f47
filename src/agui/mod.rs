//! AG-UI 1.0: events, input types and messages as plain data. No IO.
//!
//! Lenient on input (unknown members are dropped), strict on output (only described members are written, and what is
//! absent is left out, never `null`). The wire format is the JSON Schema 1.0 of the protocol.

mod content;
mod event;
mod id;
mod input;
mod kind;
mod message;
mod open;
mod outcome;
mod parse;
pub mod patch;
pub mod sse;
mod verify;
mod wire;

pub use content::*;
pub use event::*;
pub use id::Id;
pub use input::*;
pub use kind::*;
pub use message::*;
pub use open::OpenItem;
pub use outcome::*;
pub use parse::*;
pub use verify::*;
