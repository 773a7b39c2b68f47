//! `Run`: one turn of work in a session.

#![expect(unreachable_pub, reason = "the KubeSchema derive copies `pub` structs into functions")]

mod input;
mod status;

use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use input::{Answer, AnswerStatus, InputMessage, MessageRole};
pub use status::{
    FileChanges, GitState, Interrupt, Outcome, RunEvents, RunPhase, RunStatus, RunnerRef, TokenCounts, Usage,
};

use super::rules;

/// One turn of work in a session. Runs of a thread go one at a time, oldest first. A Run is immutable but for
/// `desiredState`.
#[allow(clippy::duplicated_attributes, reason = "printer columns have types of their own")]
#[derive(CustomResource, KubeSchema, Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[kube(
    group = "vteam.ambient-code",
    version = "v1alpha1",
    kind = "Run",
    plural = "runs",
    singular = "run",
    shortname = "arun",
    category = "ambient",
    namespaced,
    status = "RunStatus",
    derive = "PartialEq",
    doc = "One turn of work in a session. Runs of a thread go one at a time, oldest first. A Run is immutable but for \
           desiredState.",
    printcolumn(name = "Session", type_ = "string", json_path = ".spec.sessionRef.name"),
    printcolumn(name = "Phase", type_ = "string", json_path = ".status.phase"),
    printcolumn(name = "Reason", type_ = "string", json_path = r#".status.conditions[?(@.type=="Succeeded")].reason"#),
    printcolumn(name = "Turns", type_ = "integer", json_path = ".status.usage.turns"),
    printcolumn(name = "Cost USD", type_ = "number", json_path = ".status.usage.costUsd"),
    printcolumn(name = "Duration", type_ = "string", json_path = ".status.duration"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    printcolumn(
        name = "Message",
        type_ = "string",
        json_path = r#".status.conditions[?(@.type=="Succeeded")].message"#,
        priority = 1
    )
)]
#[x_kube(validation = rules::ONE_INPUT.rule())]
#[x_kube(validation = rules::immutable("sessionRef"))]
#[x_kube(validation = rules::immutable_option("prompt"))]
#[x_kube(validation = rules::immutable_option("messages"))]
#[x_kube(validation = rules::immutable_option("resume"))]
#[x_kube(validation = rules::immutable_option("runId"))]
#[x_kube(validation = rules::immutable_option("threadId"))]
#[x_kube(validation = rules::immutable_option("model"))]
#[x_kube(validation = rules::immutable_option("parentRun"))]
#[x_kube(validation = rules::immutable_option("timeout"))]
#[x_kube(validation = rules::immutable_option("outputSchema"))]
#[x_kube(validation = rules::immutable_option("ttlSecondsAfterFinished"))]
pub struct RunSpec {
    /// The session that does the work, in the same namespace.
    pub session_ref: SessionRef,
    /// What the agent is told. Exactly one of prompt, messages and resume is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 524_288))]
    pub prompt: Option<String>,
    /// What the agent is told, as several messages. Exactly one of prompt, messages and resume is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 64))]
    pub messages: Option<Vec<InputMessage>>,
    /// Answers to everything that the Run before asked (its status.interrupts). Exactly one of prompt, messages and
    /// resume is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 64))]
    pub resume: Option<Vec<Answer>>,
    /// The AG-UI id of the run; default: the Run's UID. A run id that a thread has seen is never executed again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 128))]
    #[x_kube(validation = rules::PROTOCOL_ID.rule())]
    pub run_id: Option<String>,
    /// The conversation that the Run continues; default: the session's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 128))]
    #[x_kube(validation = rules::PROTOCOL_ID.rule())]
    pub thread_id: Option<String>,
    /// The model of this Run; default: the session's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 256))]
    pub model: Option<String>,
    /// The Run that caused this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub parent_run: Option<String>,
    /// How many seconds the Run may take; then it ends with the reason `DeadlineExceeded`. Default: 24 h.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub timeout: Option<i64>,
    /// A JSON Schema that the final answer matches; it is then in status.structuredOutput. Default: the session's
    /// agent.outputSchema.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "rules::open_object")]
    pub output_schema: Option<Value>,
    /// How many seconds after its end the Run is deleted. Absent: when the session has more finished Runs than are kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub ttl_seconds_after_finished: Option<i64>,
    /// Cancelled ends the Run: one that waits never starts, one that works is interrupted. The only field that can be
    /// changed, and only to Cancelled.
    #[serde(default)]
    #[x_kube(validation = rules::NO_WAY_BACK.rule())]
    pub desired_state: DesiredState,
}

/// Names a session of the same namespace.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SessionRef {
    /// The name of the AgenticSession.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
}

/// What is wanted of a Run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum DesiredState {
    /// It does its work.
    #[default]
    Running,
    /// It ends.
    Cancelled,
}

/// What a Run tells the agent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Input<'a> {
    /// One message of a person.
    Prompt(&'a str),
    /// Several messages.
    Messages(&'a [InputMessage]),
    /// Answers to what the run before asked.
    Answers(&'a [Answer]),
}

impl RunSpec {
    /// What the run tells the agent; nothing where not exactly one of the three forms is given.
    #[must_use]
    pub fn input(&self) -> Option<Input<'_>> {
        match (&self.prompt, &self.messages, &self.resume) {
            (Some(prompt), None, None) => Some(Input::Prompt(prompt)),
            (None, Some(messages), None) => Some(Input::Messages(messages)),
            (None, None, Some(answers)) => Some(Input::Answers(answers)),
            _ => None,
        }
    }
}
