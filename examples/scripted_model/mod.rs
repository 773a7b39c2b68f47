//! A stand-in for the Anthropic Messages API whose answers come from a script file.
//!
//! [`script`] is what a person writes, [`conversation`] what a client asked, [`matching`] finds the rule that answers,
//! [`reply`] turns it into timed steps, [`server`] sends them. Only the server does IO.

pub(crate) mod conversation;
pub(crate) mod fault;
pub(crate) mod journal;
pub(crate) mod matching;
pub(crate) mod reply;
pub(crate) mod script;
pub(crate) mod server;
pub(crate) mod sse;
pub(crate) mod template;
