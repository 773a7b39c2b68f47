//! Reading the body of a run request, with errors that name the member and what was expected of it.

mod body;
mod element;
mod environment;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{ContextItem, Id, Message, ResumeItem, RunAgentInput, Tool};
use body::Body;

/// One thing that is wrong with a request's body, in the shape clients of the original know (`FastAPI`'s 422).
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct InputError {
    /// The kind of error: `missing`, `json_invalid`, `union_tag_invalid`, `invalid`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// Where it is: `body`, then member names and list positions.
    pub loc: Vec<Location>,
    /// What is wrong and what was expected.
    pub msg: String,
    /// The wrong value; `null` when it is missing or too long to repeat.
    pub input: Value,
}

/// A step on the way to a value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Location {
    /// A member of an object.
    Member(String),
    /// A position in a list, from 0.
    Position(usize),
}

/// What a run request has besides its AG-UI input; neither is ever part of an event's `input`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RunExtras {
    /// Variables for the agent of this run, as they were sent: valid names, at most 64, at most 32 KiB each and 128 KiB
    /// together. Their values may be secrets.
    pub environment: BTreeMap<String, String>,
    /// The client's own notes on the run, at most 16 KiB; they go into `RUN_STARTED`.
    pub metadata: Option<Map<String, Value>>,
    /// What a Run object asks for beside AG-UI's input.
    pub ambient: RunAsks,
}

/// The member `ambient` of a run request: settings of a Run object that AG-UI has no place for.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RunAsks {
    /// The longest time the run may take from its start, in seconds.
    pub timeout_seconds: Option<u64>,
    /// The model of this run.
    pub model: Option<String>,
    /// A JSON Schema for the final answer.
    pub output_schema: Option<Value>,
}

/// Reads the body of a run request without its extras.
pub fn parse_input(bytes: &[u8]) -> Result<RunAgentInput, Vec<InputError>> {
    parse_run(bytes).map(|(input, _)| input)
}

/// Reads the body of a run request.
///
/// Takes the member names of AG-UI and the snake case names of the original. Gives messages without an id one, and a run
/// without an id a random one. Drops unknown members, and a `context` that is an object, as the original does. Reports
/// every wrong member at once.
pub fn parse_run(bytes: &[u8]) -> Result<(RunAgentInput, RunExtras), Vec<InputError>> {
    let mut body = Body::read(bytes)?;
    let thread_id: Option<Id> = body.required("threadId", "text");
    let run_id = body.optional("runId");
    let messages = body.list::<Message>("messages");
    if messages.is_none() {
        body.missing("messages", "a list of messages");
    }
    let input = RunAgentInput {
        thread_id: thread_id.unwrap_or_else(|| Id::from("")),
        run_id: run_id.unwrap_or_else(Id::random),
        protocol_version: body.optional("protocolVersion"),
        parent_run_id: body.optional("parentRunId"),
        state: body.optional("state"),
        messages: messages.unwrap_or_default(),
        tools: body.list::<Tool>("tools").unwrap_or_default(),
        context: body.list::<ContextItem>("context").unwrap_or_default(),
        forwarded_props: body.optional("forwardedProps"),
        resume: body.list::<ResumeItem>("resume").unwrap_or_default(),
    };
    let extras = RunExtras {
        environment: body.environment(),
        metadata: body.metadata(),
        ambient: body.optional("ambient").unwrap_or_default(),
    };
    body.finish((input, extras))
}
