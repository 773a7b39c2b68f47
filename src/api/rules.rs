//! The rules that laptop and cluster share: each is a CEL expression for the API server and a sentence for people. The
//! validation in [`super::validate`] checks the same rule in Rust and says the same sentence.

use kube::core::{Message, Rule};
use schemars::{Schema, SchemaGenerator, json_schema};

/// A rule of the API server, with what it tells a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SharedRule {
    /// The CEL expression; `self` is the field that the rule stands at.
    pub cel: &'static str,
    /// What was expected, as a sentence without its end.
    pub message: &'static str,
}

impl SharedRule {
    /// The rule in the form of a CRD.
    #[must_use]
    pub fn rule(self) -> Rule {
        Rule::new(self.cel).message(self.message)
    }
}

/// Clone URLs. Plain http is taken too, for servers inside a cluster.
pub const REPO_URL: SharedRule = SharedRule {
    cel: r"self.matches('^(https?|ssh)://[^/\\s]+/\\S+$') || self.matches('^[A-Za-z0-9._-]+@[A-Za-z0-9.-]+:[^\\s/]\\S*$')",
    message: "expected an https://, ssh:// or git@ URL",
};

/// Names of repository folders.
pub const REPO_NAME: SharedRule = SharedRule {
    cel: "self.matches('^[A-Za-z0-9_][A-Za-z0-9._-]*$')",
    message: "expected a folder name of letters, digits, `.`, `_` and `-` that begins with a letter, digit or `_`",
};

/// Paths of files in the workspace.
pub const FILE_PATH: SharedRule = SharedRule {
    cel: r"!self.matches('(^|/)\\.{0,2}(/|$)')",
    message: "expected a path of a file inside the workspace: relative, without empty, `.` or `..` parts",
};

/// The runner `replay` and its source belong together.
pub const REPLAY_SOURCE: SharedRule = SharedRule {
    cel: "(self.type == 'replay') == has(self.replay)",
    message: "runner.replay names the transcript of runner type replay: give both or neither",
};

/// A toleration names a taint, or tolerates them all.
pub const TOLERATION: SharedRule = SharedRule {
    cel: "has(self.key) || (has(self.operator) && self.operator == 'Exists')",
    message: "a toleration without a key tolerates every taint: say so with operator Exists",
};

/// A storage class is for a volume.
pub const STORAGE_CLASS: SharedRule = SharedRule {
    cel: "!has(self.storageClassName) || self.persistence == 'PersistentVolume'",
    message: "storageClassName is for persistence PersistentVolume",
};

/// A run is given its input in exactly one form.
pub const ONE_INPUT: SharedRule = SharedRule {
    cel: "[has(self.prompt), has(self.messages), has(self.resume)].filter(given, given).size() == 1",
    message: "expected exactly one of prompt, messages and resume",
};

/// Ids of runs and threads.
pub const PROTOCOL_ID: SharedRule = SharedRule {
    cel: "self.matches('^[A-Za-z0-9][A-Za-z0-9._:-]*$')",
    message: "expected an id of letters, digits, `.`, `_`, `:` and `-` that begins with a letter or digit",
};

/// A tool message answers a call, and only a tool message does.
pub const TOOL_MESSAGE: SharedRule = SharedRule {
    cel: "(self.role == 'tool') == has(self.toolCallId)",
    message: "toolCallId names the call that a message of role tool answers: give both or neither",
};

/// What is cancelled stays cancelled.
pub const NO_WAY_BACK: SharedRule = SharedRule {
    cel: "self == oldSelf || self == 'Cancelled'",
    message: "a cancelled Run cannot be started again: create a new Run",
};

/// There is one `ProjectSettings` object.
pub const SETTINGS_NAME: SharedRule = SharedRule {
    cel: "self.metadata.name == 'projectsettings'",
    message: "a namespace has one ProjectSettings object: metadata.name must be projectsettings",
};

/// A required field of a Run that cannot be changed.
pub(super) fn immutable(field: &str) -> Rule {
    Rule::new(format!("self.{field} == oldSelf.{field}")).message(immutable_message(field))
}

/// An optional field of a Run that cannot be changed, added or removed.
pub(super) fn immutable_option(field: &str) -> Rule {
    let same = format!("has(self.{field}) == has(oldSelf.{field})");
    let equal = format!("(!has(self.{field}) || self.{field} == oldSelf.{field})");
    Rule::new(format!("{same} && {equal}")).message(immutable_message(field))
}

fn immutable_message(field: &str) -> Message {
    format!("{field} cannot be changed: a Run is immutable but for desiredState; create a new Run").as_str().into()
}

/// The schema of an object with members that we do not know.
pub(super) fn open_object(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "object", "x-kubernetes-preserve-unknown-fields": true })
}

/// An amount in Kubernetes' form.
pub(super) const QUANTITY: &str = r"^([0-9]+(\.[0-9]*)?|\.[0-9]+)([KMGTPE]i|[numkMGTPE]|[eE][+-]?[0-9]+)?$";

/// The schema of an amount in Kubernetes' form.
pub(super) fn quantity(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "x-kubernetes-int-or-string": true, "pattern": QUANTITY })
}

/// The schema of a map from names to amounts.
pub(super) fn quantities(generator: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "object", "additionalProperties": quantity(generator) })
}

/// The schema of any JSON value.
pub(super) fn open_value(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "x-kubernetes-preserve-unknown-fields": true })
}

/// The schema of a map from names to objects with members that we do not know.
pub(super) fn map_of_open_objects(generator: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "object", "additionalProperties": open_object(generator) })
}
