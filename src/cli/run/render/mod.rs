//! What a person sees of a run: streamed text, a line a tool, a summary.
//!
//! [`View`] decides what to say and is pure; a [`Screen`] says it.

mod figures;
mod screen;
mod summary;
#[cfg(test)]
mod tests;
mod tool;
mod view;

pub(super) use figures::duration;
pub(in crate::cli) use screen::{Screen, Terminal};
pub(in crate::cli) use summary::outcome_lines;
pub(super) use summary::{ended_before, heading};
pub(super) use view::printable;
pub(in crate::cli) use view::{Detail, View};
