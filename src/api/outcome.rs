//! How runs end: the closed list of reasons, what each means for the phase and the exit code, and the report that the
//! runner writes into the event log before the terminal event.

use std::{fmt, str::FromStr};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::run::{FileChanges, GitState, RunPhase, TokenCounts};

/// The name of the CUSTOM event that carries an [`OutcomeReport`].
pub const EVENT_NAME: &str = "ambient:outcome";

/// Why a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum OutcomeReason {
    /// The agent says it is done.
    Completed,
    /// It asked something, and the Run that answers goes on with the work.
    Answered,
    /// A person stopped it.
    Cancelled,
    /// It took longer than it may.
    DeadlineExceeded,
    /// The model was asked as often as it may be.
    MaxTurns,
    /// The budget is used up.
    BudgetExceeded,
    /// The provider's quota is used up.
    ProviderLimit,
    /// The provider failed or could not be reached.
    ProviderError,
    /// The provider refused the credentials.
    AuthFailed,
    /// The agent reported an error of its own.
    AgentError,
    /// The agent's process died.
    AgentCrashed,
    /// The agent used more memory than it may.
    OOMKilled,
    /// The node had to let the pod go.
    Evicted,
    /// An image could not be pulled.
    ImagePull,
    /// No node can take the pod.
    Unschedulable,
    /// The workspace or the agent could not be set up.
    SetupFailed,
    /// The session was stopped.
    SessionStopped,
    /// The session was deleted.
    SessionDeleted,
    /// The runner died or cannot be reached.
    RunnerLost,
}

impl OutcomeReason {
    /// Every reason.
    pub const ALL: [Self; 19] = [
        Self::Completed,
        Self::Answered,
        Self::Cancelled,
        Self::DeadlineExceeded,
        Self::MaxTurns,
        Self::BudgetExceeded,
        Self::ProviderLimit,
        Self::ProviderError,
        Self::AuthFailed,
        Self::AgentError,
        Self::AgentCrashed,
        Self::OOMKilled,
        Self::Evicted,
        Self::ImagePull,
        Self::Unschedulable,
        Self::SetupFailed,
        Self::SessionStopped,
        Self::SessionDeleted,
        Self::RunnerLost,
    ];

    /// The name in status and in `RUN_ERROR.code`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Completed => "Completed",
            Self::Answered => "Answered",
            Self::Cancelled => "Cancelled",
            Self::DeadlineExceeded => "DeadlineExceeded",
            Self::MaxTurns => "MaxTurns",
            Self::BudgetExceeded => "BudgetExceeded",
            Self::ProviderLimit => "ProviderLimit",
            Self::ProviderError => "ProviderError",
            Self::AuthFailed => "AuthFailed",
            Self::AgentError => "AgentError",
            Self::AgentCrashed => "AgentCrashed",
            Self::OOMKilled => "OOMKilled",
            Self::Evicted => "Evicted",
            Self::ImagePull => "ImagePull",
            Self::Unschedulable => "Unschedulable",
            Self::SetupFailed => "SetupFailed",
            Self::SessionStopped => "SessionStopped",
            Self::SessionDeleted => "SessionDeleted",
            Self::RunnerLost => "RunnerLost",
        }
    }

    /// The phase of a run that ended for this reason.
    #[must_use]
    pub const fn phase(self) -> RunPhase {
        match self {
            Self::Completed | Self::Answered => RunPhase::Succeeded,
            Self::Cancelled | Self::SessionStopped | Self::SessionDeleted => RunPhase::Cancelled,
            Self::DeadlineExceeded
            | Self::MaxTurns
            | Self::BudgetExceeded
            | Self::ProviderLimit
            | Self::ProviderError
            | Self::AuthFailed
            | Self::AgentError
            | Self::AgentCrashed
            | Self::OOMKilled
            | Self::Evicted
            | Self::ImagePull
            | Self::Unschedulable
            | Self::SetupFailed
            | Self::RunnerLost => RunPhase::Failed,
        }
    }

    /// The exit code of `ambient run` after a run that ended for this reason.
    #[must_use]
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Completed | Self::Answered => exit::SUCCEEDED,
            Self::AgentError | Self::MaxTurns => exit::AGENT,
            Self::SetupFailed | Self::AuthFailed | Self::ImagePull | Self::Unschedulable => exit::SETUP,
            Self::ProviderError | Self::ProviderLimit => exit::PROVIDER,
            Self::DeadlineExceeded | Self::BudgetExceeded => exit::LIMIT,
            Self::AgentCrashed | Self::OOMKilled | Self::Evicted | Self::RunnerLost => exit::CRASH,
            Self::Cancelled | Self::SessionStopped | Self::SessionDeleted => exit::INTERRUPTED,
        }
    }
}

impl fmt::Display for OutcomeReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A text that is not an outcome reason.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not an outcome reason")]
pub struct UnknownReason(pub String);

impl FromStr for OutcomeReason {
    type Err = UnknownReason;

    fn from_str(name: &str) -> Result<Self, UnknownReason> {
        let known = Self::ALL.into_iter().find(|reason| reason.as_str() == name);
        known.ok_or_else(|| UnknownReason(name.to_owned()))
    }
}

/// The exit codes of `ambient run`.
pub mod exit {
    /// Every run succeeded.
    pub const SUCCEEDED: u8 = 0;
    /// The agent failed.
    pub const AGENT: u8 = 1;
    /// Wrong usage, or a manifest that is not valid.
    pub const USAGE: u8 = 2;
    /// The workspace, the agent or its credentials could not be set up.
    pub const SETUP: u8 = 3;
    /// The provider failed or refuses more.
    pub const PROVIDER: u8 = 4;
    /// A limit that we set was reached.
    pub const LIMIT: u8 = 5;
    /// The agent or the runner died.
    pub const CRASH: u8 = 6;
    /// A run asks something and nobody is there to answer.
    pub const WAITING: u8 = 7;
    /// A person stopped it.
    pub const INTERRUPTED: u8 = 130;
}

/// The exit code of `ambient run` after a run in this state. A run without an end is one whose runner is lost.
#[must_use]
pub fn exit_code(phase: RunPhase, reason: Option<OutcomeReason>) -> u8 {
    match (reason, phase) {
        (Some(reason), _) => reason.exit_code(),
        (None, RunPhase::WaitingForInput) => exit::WAITING,
        (None, RunPhase::Succeeded) => exit::SUCCEEDED,
        (None, RunPhase::Failed) => exit::AGENT,
        (None, RunPhase::Cancelled) => exit::INTERRUPTED,
        (None, RunPhase::Pending | RunPhase::Waiting | RunPhase::Running) => exit::CRASH,
    }
}

/// The value of the CUSTOM event `ambient:outcome`: how the run ended, with its evidence. It comes before the terminal
/// event of every run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct OutcomeReport {
    /// Why the run ended; absent: it has not, it asks something.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<OutcomeReason>,
    /// A sentence with what happened and what to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The final text of the agent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result: Option<String>,
    /// The final answer in the schema that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub structured_output: Option<Value>,
    /// Tokens, over all models.
    pub usage: TokenCounts,
    /// How many times the model was asked.
    pub turns: u32,
    /// The cost in US dollars, as the agent counts it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost_usd: Option<f64>,
    /// The repositories as the run left them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub git: Vec<GitState>,
    /// What the run did to files outside of repositories; absent: nobody looked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub files: Option<FileChanges>,
    /// The agent's own id of the conversation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent_session_id: Option<String>,
    /// When the provider takes requests again, after a `ProviderLimit` that says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resume_at: Option<Time>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_is_read_from_the_name_it_is_written_with() {
        for reason in OutcomeReason::ALL {
            assert_eq!(reason.as_str().parse(), Ok(reason));
            assert_eq!(serde_json::to_value(reason).unwrap(), reason.as_str());
        }
    }

    #[test]
    fn a_run_exits_with_zero_exactly_when_it_succeeded() {
        for reason in OutcomeReason::ALL {
            let succeeded = reason.phase() == RunPhase::Succeeded;
            assert_eq!(reason.exit_code() == exit::SUCCEEDED, succeeded, "{reason}");
            assert!(reason.phase().is_terminal(), "{reason}");
        }
    }

    #[test]
    fn a_run_that_asks_has_an_exit_code_of_its_own() {
        assert_eq!(exit_code(RunPhase::WaitingForInput, None), 7);
        assert_eq!(exit_code(RunPhase::Running, None), 6);
    }
}
