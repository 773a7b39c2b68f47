//! The pure parts of git.

mod messages;
mod refs;
mod urls;
