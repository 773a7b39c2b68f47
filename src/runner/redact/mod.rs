//! stub
use crate::{agui::Event, security::Redactor};
use std::sync::Arc;
/// stub
pub struct EventRedactor(Arc<Redactor>);
impl EventRedactor {
    /// stub
    pub fn new(r: Arc<Redactor>) -> Self {
        Self(r)
    }
    /// stub
    pub fn apply(&mut self, event: Event, out: &mut Vec<Event>) {
        out.push(event);
        let _ = &self.0;
    }
}
