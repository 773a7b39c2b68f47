//! Rules that one event breaks by itself: what the types can hold and the JSON Schema forbids.

use std::collections::HashSet;

use super::Rule;
use crate::agui::{Event, EventKind, Interrupt, RunOutcome, patch};

pub(super) fn check(event: &Event) -> Result<(), Rule> {
    if event.subagent_run_id.is_some() && event.kind.concerns_whole_run() {
        return Err(Rule::Attributed);
    }
    match &event.kind {
        kind if kind.is_subagent_boundary() && event.subagent_run_id.is_none() => Err(Rule::NoSubagent),
        EventKind::TextMessageChunk { .. }
        | EventKind::ToolCallChunk { .. }
        | EventKind::ReasoningMessageChunk { .. } => Err(Rule::Chunk),
        EventKind::StateDelta { delta: patch } | EventKind::ActivityDelta { patch, .. } => {
            patch::parse(patch)?;
            Ok(())
        }
        EventKind::RunFinished { outcome: Some(RunOutcome::Interrupt { interrupts }), .. } => {
            interrupts_are_distinct(interrupts)
        }
        _ => Ok(()),
    }
}

fn interrupts_are_distinct(interrupts: &[Interrupt]) -> Result<(), Rule> {
    if interrupts.is_empty() {
        return Err(Rule::NoInterrupts);
    }
    let mut seen = HashSet::new();
    let repeated = interrupts.iter().find(|interrupt| !seen.insert(&interrupt.id));
    repeated.map_or(Ok(()), |one| Err(Rule::RepeatedInterrupt(one.id.clone())))
}
