//! Redaction of values as a whole, in place.

use std::borrow::Cow;

use serde_json::{Map, Value};

use crate::{agui::Id, security::Redactor};

/// A part of an event whose secrets can be replaced.
pub(super) trait Redact {
    /// Replaces them.
    fn redact(&mut self, redactor: &Redactor);
}

/// Redacts all members of a type. Each type is taken apart completely, so that no new member is forgotten.
pub(super) fn each<const N: usize>(redactor: &Redactor, members: [&mut dyn Redact; N]) {
    for member in members {
        member.redact(redactor);
    }
}

impl Redact for String {
    fn redact(&mut self, redactor: &Redactor) {
        redactor.redact_string(self);
    }
}

impl Redact for Id {
    fn redact(&mut self, redactor: &Redactor) {
        if let Cow::Owned(redacted) = redactor.redact_str(self) {
            *self = Self::from(redacted);
        }
    }
}

impl Redact for Value {
    fn redact(&mut self, redactor: &Redactor) {
        redactor.redact_json(self);
    }
}

impl Redact for Map<String, Value> {
    fn redact(&mut self, redactor: &Redactor) {
        redactor.redact_map(self);
    }
}

impl<T: Redact> Redact for Option<T> {
    fn redact(&mut self, redactor: &Redactor) {
        if let Some(inner) = self {
            inner.redact(redactor);
        }
    }
}

impl<T: Redact> Redact for Vec<T> {
    fn redact(&mut self, redactor: &Redactor) {
        for item in self {
            item.redact(redactor);
        }
    }
}

impl<T: Redact> Redact for Box<T> {
    fn redact(&mut self, redactor: &Redactor) {
        self.as_mut().redact(redactor);
    }
}
