//! Defaults of the resources: what the API server fills in, and what is assumed where a field stays absent.

use super::{
    AgenticSession, AgenticSessionSpec, Run,
    session::{RunnerType, UnknownRunner},
};

/// The model of a session that names none. From the original CRD.
pub const MODEL: &str = "claude-sonnet-4-6";

/// The branch of a workflow that names none. From the original CRD.
pub const WORKFLOW_BRANCH: &str = "main";

/// How long a Run may take that sets no `timeout`, in seconds. No run waits for ever.
pub const RUN_TIMEOUT_SECONDS: i64 = 86_400;

/// The environment variable of a session that selects its runner where `spec.runner` does not.
pub const RUNNER_TYPE_VARIABLE: &str = "RUNNER_TYPE";

pub(super) fn model() -> String {
    MODEL.to_owned()
}

pub(super) fn temperature() -> f64 {
    0.7
}

pub(super) fn max_tokens() -> i64 {
    4000
}

pub(super) fn handed_on_timeout() -> i64 {
    300
}

pub(super) fn workflow_branch() -> String {
    WORKFLOW_BRANCH.to_owned()
}

pub(super) fn inactivity_timeout_seconds() -> i64 {
    86_400
}

impl AgenticSessionSpec {
    /// The model that runs of this session use unless they name their own.
    #[must_use]
    pub fn model(&self) -> &str {
        self.llm_settings.as_ref().map_or(MODEL, |settings| settings.model.as_str())
    }

    /// Which runner drives the session: `runner.type`, else the environment variable `RUNNER_TYPE` as in the original,
    /// else the Claude CLI.
    pub fn runner_type(&self) -> Result<RunnerType, UnknownRunner> {
        match (&self.runner, self.environment_variables.get(RUNNER_TYPE_VARIABLE)) {
            (Some(runner), _) => Ok(runner.kind),
            (None, Some(name)) => name.parse(),
            (None, None) => Ok(RunnerType::default()),
        }
    }
}

impl Run {
    /// How long this run may take, in seconds: its own `timeout`, else [`RUN_TIMEOUT_SECONDS`].
    #[must_use]
    pub fn timeout_seconds(&self) -> i64 {
        self.spec.timeout.unwrap_or(RUN_TIMEOUT_SECONDS)
    }

    /// The conversation that this run continues: its own `threadId`, else the session's name.
    #[must_use]
    pub fn thread_id(&self) -> &str {
        self.spec.thread_id.as_deref().unwrap_or(&self.spec.session_ref.name)
    }

    /// The model of this run: its own, else the session's.
    #[must_use]
    pub fn model<'a>(&'a self, session: &'a AgenticSession) -> &'a str {
        self.spec.model.as_deref().unwrap_or_else(|| session.spec.model())
    }
}
