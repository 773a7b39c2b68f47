//! What the operator (or `ambient run`) writes about a run. It stays under 16 KiB, see [`crate::fold`].

#![expect(unreachable_pub, reason = "the KubeSchema derive copies `pub` structs into functions")]

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, MicroTime, Time};
use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::api::{limits::json_len, outcome::OutcomeReason, rules};

/// What is observed about a run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct RunStatus {
    /// Where the Run is in its life.
    #[serde(default)]
    pub phase: RunPhase,
    /// How the Run ended and why; absent until then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    /// The AG-UI id of the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_id: Option<String>,
    /// The conversation that the Run continues.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread_id: Option<String>,
    /// How many times the Run was delivered to a runner.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u32>,
    /// The pod that the Run was given to. It is never given to another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runner: Option<RunnerRef>,
    /// When the agent was given the Run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_time: Option<Time>,
    /// When the Run ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completion_time: Option<Time>,
    /// How long the Run took from start to end, for people, e.g. 1m12s.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration: Option<String>,
    /// When the agent's first text, thought or tool call came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_event_time: Option<MicroTime>,
    /// The final text of the agent, at most 8 KiB of it; the whole text is in the Run's events.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<String>,
    /// The final answer in the form of outputSchema, when it takes at most 4 KiB; a larger one is in the Run's events.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "rules::open_value")]
    pub structured_output: Option<Value>,
    /// What the Run used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    /// The Run's events, counted and summarised.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub events: Option<RunEvents>,
    /// The repositories as the Run left them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub git: Vec<GitState>,
    /// What the Run did to the files of the workspace that are in no repository; absent: nobody looked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub files: Option<FileChanges>,
    /// What the Run asks. A Run with spec.resume answers all of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub interrupts: Vec<Interrupt>,
    /// The id of the Run's trace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace_id: Option<String>,
    /// When the provider takes requests again, after a `ProviderLimit` that says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resume_at: Option<Time>,
    /// The state of the Run, aspect by aspect.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["type".into()]))]
    pub conditions: Vec<Condition>,
    /// The generation of the spec that this status is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
}

/// Where a run is in its life.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum RunPhase {
    /// Nobody has looked at it yet.
    #[default]
    Pending,
    /// It waits for its session or for the run before it.
    Waiting,
    /// The agent works on it.
    Running,
    /// The agent asks something; a Run with spec.resume answers.
    WaitingForInput,
    /// It did what it was asked.
    Succeeded,
    /// It did not.
    Failed,
    /// It was stopped.
    Cancelled,
}

impl RunPhase {
    /// Whether nothing can change the phase any more.
    #[must_use]
    pub const fn is_terminal(self) -> bool {
        match self {
            Self::Pending | Self::Waiting | Self::Running | Self::WaitingForInput => false,
            Self::Succeeded | Self::Failed | Self::Cancelled => true,
        }
    }

    /// The name in the status.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "Pending",
            Self::Waiting => "Waiting",
            Self::Running => "Running",
            Self::WaitingForInput => "WaitingForInput",
            Self::Succeeded => "Succeeded",
            Self::Failed => "Failed",
            Self::Cancelled => "Cancelled",
        }
    }
}

/// The pod that a Run was given to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RunnerRef {
    /// Its name.
    pub pod: String,
    /// Its UID: a pod of the same name that came later is another one.
    pub uid: String,
    /// The UID of the pod's session: what the Run did is kept under it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    /// Why the cluster takes the pod away (a drain, a preemption, a lost node), once it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disruption: Option<String>,
}

/// How a run ended and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Outcome {
    /// The reason, one of a closed list.
    pub reason: OutcomeReason,
    /// A sentence with what happened and what to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// What a run used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Usage {
    /// Tokens that were read, those from and into the cache included.
    pub input_tokens: u64,
    /// Tokens that were written.
    pub output_tokens: u64,
    /// Input tokens that came from the provider's cache.
    pub cache_read_tokens: u64,
    /// Input tokens that went into the provider's cache.
    pub cache_write_tokens: u64,
    /// How many times the model was asked.
    pub turns: u32,
    /// The cost in US dollars as the agent counts it; absent: it does not know.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost_usd: Option<f64>,
}

/// Tokens of a run, over all its models.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TokenCounts {
    /// Tokens that were read, those from and into the cache included.
    pub input_tokens: u64,
    /// Tokens that were written.
    pub output_tokens: u64,
    /// Input tokens that came from the provider's cache.
    pub cache_read_tokens: u64,
    /// Input tokens that went into the provider's cache.
    pub cache_write_tokens: u64,
}

impl Usage {
    /// Puts tokens, model calls and cost together. The cost is rounded to a millionth of a dollar; one
    /// that cannot be is unknown.
    #[must_use]
    pub fn new(tokens: TokenCounts, turns: u32, cost_usd: Option<f64>) -> Self {
        Self {
            input_tokens: tokens.input_tokens,
            output_tokens: tokens.output_tokens,
            cache_read_tokens: tokens.cache_read_tokens,
            cache_write_tokens: tokens.cache_write_tokens,
            turns,
            cost_usd: cost_usd.filter(|cost| (0.0..=MAX_COST_USD).contains(cost)).map(rounded),
        }
    }
}

/// No run costs more; a larger number is a mistake, and JSON could not hold what becomes of it.
const MAX_COST_USD: f64 = 1e9;

/// Rounded to six decimals, so that sums do not show as `0.30000000000000004`.
fn rounded(usd: f64) -> f64 {
    (usd * 1e6).round() / 1e6
}

impl std::ops::Add for Usage {
    type Output = Self;

    /// What two runs used together; the cost is unknown only when both are.
    fn add(self, other: Self) -> Self {
        Self {
            input_tokens: self.input_tokens.saturating_add(other.input_tokens),
            output_tokens: self.output_tokens.saturating_add(other.output_tokens),
            cache_read_tokens: self.cache_read_tokens.saturating_add(other.cache_read_tokens),
            cache_write_tokens: self.cache_write_tokens.saturating_add(other.cache_write_tokens),
            turns: self.turns.saturating_add(other.turns),
            cost_usd: match (self.cost_usd, other.cost_usd) {
                (Some(one), Some(two)) => Some(rounded(one + two)),
                (one, two) => one.or(two),
            },
        }
    }
}

/// The events of a run, counted and summarised.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct RunEvents {
    /// How many events the run has had.
    pub count: u64,
    /// The id of the last one; a reader continues behind it with `Last-Event-ID`.
    pub last_id: u64,
    /// The latest things that happened, a line each, oldest first; at most 20.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub recent: Vec<String>,
    /// Where the whole log is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log: Option<String>,
}

/// A repository as a run left it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct GitState {
    /// The name of its folder.
    pub name: String,
    /// The branch that is checked out; absent: none is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub branch: Option<String>,
    /// The commit that is checked out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub head: Option<String>,
    /// Whether there are changes that no commit holds.
    pub dirty: bool,
    /// How many commits the remote does not have.
    pub ahead: u32,
    /// Whether the remote has everything that is committed.
    pub pushed: bool,
    /// How many files differ from where the session began.
    pub files_changed: u32,
}

/// What a run did to files outside of repositories. Uploads and workflows, which the agent is given, do not count.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct FileChanges {
    /// How many files are new, changed or gone.
    pub count: u32,
    /// The first of the new ones, by their path in the workspace.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub added: Vec<String>,
    /// The first of those with another content.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub modified: Vec<String>,
    /// The first of those that are gone.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub deleted: Vec<String>,
    /// The workspace holds more files than are looked at, so more of them may have changed.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub truncated: bool,
}

impl FileChanges {
    /// Names only as many files as take `max` bytes as JSON, changed ones first. All are still counted.
    #[must_use]
    pub fn within(mut self, max: usize) -> Self {
        let mut used = 0;
        for paths in [&mut self.modified, &mut self.added, &mut self.deleted] {
            paths.retain(|path| {
                let size = json_len(path).map_or(max, |size| size + 1);
                let fits = size <= max - used;
                used += if fits { size } else { 0 };
                fits
            });
        }
        self
    }
}

/// Something that a run asks.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Interrupt {
    /// The id to answer with.
    pub id: String,
    /// The kind of question, e.g. `input_required`.
    #[serde(default)]
    pub reason: String,
    /// The question.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The tool call that waits for the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_call_id: Option<String>,
    /// A JSON Schema of the answer; a large one is only in the Run's events.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "rules::open_object")]
    pub response_schema: Option<Value>,
    /// Until when it can be answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<String>,
}
