//! Credentials of the person whose run is going: fetched when they are used, never before.
//!
//! A credential comes from the platform's backend (with the caller's token, else the runner's own), from a mounted file or
//! from the runner's environment. It is fetched once for each person until it expires, and reaches an agent only through
//! its own [`channel`], while a run of its person is going. Nothing of it is in a file or in an environment.

mod backend;
mod cache;
pub mod channel;
mod files;
mod kind;
mod refresh;
mod service;
#[cfg(test)]
mod tests;
pub mod wire;

pub use backend::Backend;
pub use kind::{Credential, Kind, Unavailable};
pub use service::{Credentials, Sources};
