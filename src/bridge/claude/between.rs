//! What a process says between turns, until a turn takes it. Pure: its owner keeps the time and says who must know.

use std::collections::{BTreeMap, VecDeque};

use serde_json::Value;

use super::{
    FRONTEND_PREFIX,
    session::Step,
    tasks::is_end,
    translate::{Closing, Translator},
    wire::{self, Frame, text},
};
use crate::agui::Event;

/// How many lines are kept for the next turn. The oldest go first, those that tell of an end last.
const KEPT: usize = 256;

/// How many lines of a turn that nobody has taken are read at most, when an answer is waited for behind them.
const HELD: usize = 4096;

/// Lines that wait for a turn.
#[derive(Debug, Default)]
pub(crate) struct Between {
    lines: VecDeque<Kept>,
    /// The agent has begun a turn by itself, which nobody has taken yet.
    held: bool,
}

#[derive(Debug)]
struct Kept {
    line: Vec<u8>,
    why: Why,
}

/// Why a line is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Why {
    /// Somebody may want to know.
    Interest,
    /// A background task has ended, and nobody has heard of it.
    News,
    /// It is of a turn that the agent began.
    Turn,
}

/// What is told in a turn that the agent has no part in, or before a turn that has another process.
#[derive(Debug, Default)]
pub(crate) struct Told {
    pub(crate) events: Vec<Event>,
    /// A sentence for each task that has ended.
    pub(crate) said: Option<String>,
}

impl Told {
    /// Tells more.
    pub(crate) fn add(&mut self, more: Self) {
        self.events.extend(more.events);
        self.said = match (self.said.take(), more.said) {
            (Some(said), Some(more)) => Some(format!("{said}\n{more}")),
            (said, more) => said.or(more),
        };
    }
}

impl Between {
    /// Keeps a line if its step says so. A process that is closing will not finish a turn that it begins.
    pub(crate) fn keep(&mut self, line: &[u8], step: &Step, closing: bool) {
        let why = match step {
            Step::Keep => Why::Interest,
            Step::KeepEnd => Why::News,
            Step::Began if !closing => Why::Turn,
            _ => return,
        };
        self.held |= why == Why::Turn;
        if self.lines.len() >= KEPT {
            let oldest = self.lines.iter().position(|kept| kept.why == Why::Interest);
            self.lines.remove(oldest.unwrap_or(0));
        }
        self.lines.push_back(Kept { line: line.to_vec(), why });
    }

    /// Keeps a line that came after the beginning of a turn that nobody has taken.
    pub(crate) fn hold(&mut self, line: &[u8]) {
        self.lines.push_back(Kept { line: line.to_vec(), why: Why::Turn });
    }

    /// Whether more lines may be held.
    pub(crate) fn has_room(&self) -> bool {
        self.lines.len() < HELD
    }

    /// Whether the agent has begun a turn that nobody has taken. Its output is not read on, unless an answer is waited for.
    pub(crate) fn is_held(&self) -> bool {
        self.held
    }

    /// The turn that the agent began will not be taken: its process has ended. What was read of it.
    pub(crate) fn release(&mut self) -> Vec<Vec<u8>> {
        self.held = false;
        let (held, kept) = std::mem::take(&mut self.lines).into_iter().partition(|kept| kept.why == Why::Turn);
        self.lines = kept;
        VecDeque::into_iter(held).map(|kept| kept.line).collect()
    }

    /// Whether a task has ended that no turn has told of.
    pub(crate) fn has_news(&self) -> bool {
        self.lines.iter().any(|kept| kept.why == Why::News)
    }

    /// The lines, for a turn that reads them.
    pub(crate) fn take(&mut self) -> Vec<Vec<u8>> {
        self.held = false;
        self.lines.drain(..).map(|kept| kept.line).collect()
    }

    /// What there is to tell when no turn of the agent does it; none when no task has ended.
    pub(crate) fn tell(&mut self) -> Option<Told> {
        if !self.has_news() {
            return None;
        }
        let values: Vec<Value> = self.lines.drain(..).filter_map(|kept| value(&kept.line)).collect();
        let said = ends(&values);
        Some(Told { events: events(values), said })
    }
}

fn value(line: &[u8]) -> Option<Value> {
    match wire::parse(line)? {
        Frame::Other(value) => Some(value),
        Frame::Stream(_) => None,
    }
}

fn events(values: Vec<Value>) -> Vec<Event> {
    let mut translator = Translator::new(FRONTEND_PREFIX);
    let mut events = Vec::new();
    translator.begin();
    for value in values {
        translator.translate(Frame::Other(value), &mut events);
    }
    translator.close(Closing::Done, &mut events);
    events
}

/// A sentence for each task that has ended, in the CLI's words where it gave some.
fn ends(values: &[Value]) -> Option<String> {
    let mut ends: BTreeMap<&str, (&str, &str)> = BTreeMap::new();
    for value in values {
        let Some(id) = text(value, "task_id").filter(|_| is_end(value)) else {
            continue;
        };
        let status = text(value, "status").or_else(|| text(&value["patch"], "status")).unwrap_or("ended");
        let about = text(value, "summary").filter(|summary| !summary.is_empty());
        let end = ends.entry(id).or_insert((id, status));
        *end = (about.unwrap_or(end.0), status);
    }
    let sentences = ends.values().map(|(about, status)| format!("A background task has ended ({status}): {about}"));
    Some(sentences.collect::<Vec<_>>().join("\n")).filter(|said| !said.is_empty())
}

#[cfg(test)]
mod tests;
