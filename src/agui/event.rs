//! One event of a stream.

use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Map, Value};

use super::wire::safe_timestamp;
use super::{EventKind, Id};

/// One event: a kind with its own members, and the members every kind may have.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Event {
    /// What happened.
    #[serde(flatten)]
    pub kind: EventKind,
    /// Milliseconds since the Unix epoch. Not written when it is beyond 2^53 - 1.
    pub timestamp: Option<i64>,
    /// The producer's own form of this event, if it passes it on. `null` means absent.
    pub raw_event: Option<Value>,
    /// Free metadata; the key `ag-ui` is reserved.
    pub metadata: Option<Map<String, Value>>,
    /// The sub-agent this event belongs to; for the `Subagent*` kinds, which require it, the sub-agent itself. Never
    /// written on run boundaries and message snapshots, which belong to the whole run.
    pub subagent_run_id: Option<Id>,
}

impl From<EventKind> for Event {
    fn from(kind: EventKind) -> Self {
        Self { kind, timestamp: None, raw_event: None, metadata: None, subagent_run_id: None }
    }
}

impl Event {
    /// The same event, attributed to a sub-agent.
    #[must_use]
    pub fn of_subagent(mut self, id: Option<Id>) -> Self {
        self.subagent_run_id = id;
        self
    }
}

impl Serialize for Event {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let subagent = self.subagent_run_id.as_ref();
        Wire {
            kind: &self.kind,
            timestamp: safe_timestamp(self.timestamp),
            raw_event: self.raw_event.as_ref().filter(|raw| !raw.is_null()),
            metadata: self.metadata.as_ref(),
            subagent_run_id: subagent.filter(|_| !self.kind.concerns_whole_run()),
        }
        .serialize(serializer)
    }
}

/// The members of an event that the schema allows it to have.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Wire<'a> {
    #[serde(flatten)]
    kind: &'a EventKind,
    #[serde(skip_serializing_if = "Option::is_none")]
    timestamp: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    raw_event: Option<&'a Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<&'a Map<String, Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subagent_run_id: Option<&'a Id>,
}
