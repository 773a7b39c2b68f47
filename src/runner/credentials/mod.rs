//! Credentials of the person whose run is going: fetched when they are used, never before.
//!
//! A credential comes from the platform's backend (with the caller's token, else the runner's own), from a mounted file or
//! from the runner's environment. It is fetched once for each person until it expires, and reaches an agent only through
//! its own [`channel`], while a run of its person is going. Nothing of it is in the environment of an agent or in a file that
//! others read: a program that needs it is started with it by `ambient credential exec`.

mod backend;
mod cache;
pub mod channel;
mod credential;
mod files;
mod give;
mod kind;
mod person;
mod refresh;
mod service;
#[cfg(test)]
mod tests;
pub mod wire;

pub use backend::{Backend, BackendError};
pub use credential::Credential;
pub use files::OWN;
pub use give::OauthClient;
pub use kind::{Kind, Unavailable};
pub use person::Person;
pub use service::{Credentials, Sources};
