//! What the agent of a thread is started with, from the runner's settings and one run's input. Pure.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{caller::Caller, environment::Environment};
use crate::{
    agui::{Id, RunAgentInput, RunExtras},
    bridge::SessionSpec,
};

/// One run as it was accepted: its input, and what the caller set besides.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RunRequest {
    /// The AG-UI input.
    pub input: RunAgentInput,
    /// What a Run object or a caller sets beside the input.
    #[serde(default)]
    pub options: RunOptions,
    /// Who is behind it.
    #[serde(default)]
    pub caller: Caller,
}

/// Settings of one run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct RunOptions {
    /// The longest time the run may take from its start, in seconds; absent: the runner's own limit.
    pub timeout_seconds: Option<u64>,
    /// The model of this run; absent: `forwardedProps.model`, else the session's.
    pub model: Option<String>,
    /// A JSON Schema for the final answer; absent: the session's.
    pub output_schema: Option<Value>,
    /// The agent began by itself; the input says nothing.
    pub follow_up: bool,
    /// More variables for the agent of this run.
    pub environment: Environment,
    /// The client's own notes on the run, which `RUN_STARTED` carries.
    pub metadata: Option<Map<String, Value>>,
}

impl RunRequest {
    /// A request with the runner's own settings.
    #[must_use]
    pub fn plain(input: RunAgentInput) -> Self {
        Self { input, options: RunOptions::default(), caller: Caller::default() }
    }

    /// A client's request.
    #[must_use]
    pub fn of_client(input: RunAgentInput, extras: RunExtras, caller: Caller) -> Self {
        let options = RunOptions {
            environment: Environment(extras.environment),
            metadata: extras.metadata,
            timeout_seconds: extras.ambient.timeout_seconds,
            model: extras.ambient.model,
            output_schema: extras.ambient.output_schema,
            ..RunOptions::default()
        };
        Self { input, options, caller }
    }

    /// The turn that an agent began by itself, after the thread's last run: the same agent goes on for the same person.
    pub(crate) fn follow_up(thread_id: Id, parent_run_id: Option<Id>, last: Option<&Self>) -> Self {
        let input = RunAgentInput {
            thread_id,
            run_id: Id::random(),
            protocol_version: None,
            parent_run_id,
            state: None,
            messages: Vec::new(),
            tools: last.map(|last| last.input.tools.clone()).unwrap_or_default(),
            context: Vec::new(),
            forwarded_props: None,
            resume: Vec::new(),
        };
        let options = last.map_or_else(RunOptions::default, |last| RunOptions {
            model: last.model(),
            output_schema: last.options.output_schema.clone(),
            environment: last.options.environment.clone(),
            ..RunOptions::default()
        });
        let caller = last.map(|last| last.caller.clone()).unwrap_or_default();
        Self { input, options: RunOptions { follow_up: true, ..options }, caller }
    }

    /// What was asked for without what was said.
    pub(crate) fn without_messages(&self) -> Self {
        let input = RunAgentInput {
            thread_id: self.input.thread_id.clone(),
            run_id: self.input.run_id.clone(),
            protocol_version: None,
            parent_run_id: None,
            state: None,
            messages: Vec::new(),
            tools: self.input.tools.clone(),
            context: Vec::new(),
            forwarded_props: None,
            resume: Vec::new(),
        };
        let options = RunOptions { model: self.model(), ..self.options.clone() };
        Self { input, options, caller: self.caller.clone() }
    }

    /// The model this run asks for.
    fn model(&self) -> Option<String> {
        let forwarded = || self.input.forwarded_props.as_ref()?.get("model")?.as_str();
        self.options.model.clone().or_else(|| forwarded().map(str::to_owned))
    }
}

/// The session as it is now.
#[derive(Debug, Clone)]
pub struct Live {
    /// What every agent is started with.
    pub session: SessionTemplate,
    /// What `STATE_SNAPSHOT` says of the workspace.
    pub workspace_state: Value,
}

/// The session's settings: what every run of every thread starts from. Its `thread_id` is a placeholder.
#[derive(Debug, Clone)]
pub struct SessionTemplate(pub SessionSpec);

impl SessionTemplate {
    /// The agent of a thread before any run is known.
    pub(crate) fn warm(&self, thread_id: &Id) -> SessionSpec {
        SessionSpec { thread_id: thread_id.clone(), ..self.0.clone() }
    }

    /// The agent that a run needs.
    pub(crate) fn for_run(&self, request: &RunRequest) -> SessionSpec {
        let base = self.0.clone();
        SessionSpec {
            thread_id: request.input.thread_id.clone(),
            model: request.model().or(base.model),
            output_schema: request.options.output_schema.clone().or(base.output_schema),
            frontend_tools: request.input.tools.clone(),
            env: request.options.environment.over(base.env),
            user: request.caller.user_id.clone().or(base.user),
            ..base
        }
    }
}
