//! How a clone goes on, for readers: in the turns that run meanwhile, else at the beginning of the next one.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use super::SourceError;
use crate::{runner::Engine, workspace::git::progress::Phase};

/// The event's name.
const EVENT: &str = "ambient:clone";
/// The time between two words on how far it is.
const PAUSE: Duration = Duration::from_millis(500);

/// What is cloned.
#[derive(Debug, Clone, Copy)]
pub(super) struct Subject<'a> {
    /// `repository` or `workflow`.
    pub(super) kind: &'static str,
    /// What an error begins with.
    pub(super) failed: &'static str,
    /// Its name.
    pub(super) name: &'a str,
    /// From where, without password or token.
    pub(super) url: &'a str,
}

/// Tells of one clone.
pub(super) struct Teller<'a> {
    engine: &'a Engine,
    subject: Subject<'a>,
    told: Mutex<Instant>,
}

impl<'a> Teller<'a> {
    pub(super) fn new(engine: &'a Engine, subject: Subject<'a>) -> Self {
        Self { engine, subject, told: Mutex::new(Instant::now()) }
    }

    pub(super) fn subject(&self) -> Subject<'a> {
        self.subject
    }

    /// It has begun.
    pub(super) fn started(&self) {
        self.tell(json!({ "state": "started" }));
    }

    /// It is so far; told now and then.
    pub(super) fn goes_on(&self, phase: Phase, percent: u8) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.elapsed() >= PAUSE {
            *told = Instant::now();
            self.tell(json!({ "state": "progress", "phase": phase, "percent": percent }));
        }
    }

    /// It is over.
    pub(super) fn ended<T>(&self, result: &Result<T, SourceError>) {
        self.tell(match result {
            Ok(_) => json!({ "state": "finished" }),
            Err(error) => json!({ "state": "failed", "message": error.to_string() }),
        });
    }

    fn tell(&self, mut value: Value) {
        let Subject { kind, name, url, .. } = self.subject;
        for (member, text) in [("kind", kind), ("name", name), ("url", url)] {
            value[member] = text.into();
        }
        self.engine.tell_progress(EVENT, value, ["kind", "name"]);
    }
}
