//! AG-UI 1.0: events, input types and messages as plain data. No IO.
//!
//! Lenient on input (unknown members are dropped), strict on output (only described members are written, and what is
//! absent is left out, never `null`). The wire format is the JSON Schema 1.0 of the protocol.

mod compact;
mod content;
mod event;
mod id;
mod input;
mod kind;
mod message;
mod messages;
mod open;
mod outcome;
mod parse;
pub mod patch;
mod prelude;
pub mod sse;
mod thread;
mod verify;
mod wire;

pub use compact::compact;
pub use content::*;
pub use event::*;
pub use id::Id;
pub use input::*;
pub use kind::*;
pub use message::*;
pub use messages::Messages;
pub use open::OpenItem;
pub use outcome::*;
pub use parse::*;
pub use thread::Thread;
pub use verify::*;
