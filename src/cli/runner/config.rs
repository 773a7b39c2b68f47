//! From raw settings to what the runner is made of. Everything wrong with them is said at once, by name.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::PathBuf,
    time::Duration,
};

use serde::Deserialize;

use super::args::Args;
use crate::{
    api::session::{AgentSpec, AgenticSessionSpec, LlmSettings, PermissionMode, RepoSpec, RunnerType},
    security::Secret,
};

/// What a runner is made of.
pub(super) struct Config {
    pub(super) address: SocketAddr,
    pub(super) token: Option<Secret>,
    pub(super) runner: RunnerType,
    pub(super) state_dir: PathBuf,
    /// The session, as its manifest would say it.
    pub(super) session: AgenticSessionSpec,
    pub(super) main_repo_index: usize,
    /// The prompt to give once, if there is one.
    pub(super) initial_prompt: Option<String>,
    pub(super) events_wait: Duration,
}

/// A setting that cannot be used.
#[derive(Debug, thiserror::Error)]
pub(in crate::cli) enum ConfigError {
    #[error(
        "AGUI_HOST: {0} can be reached from outside, so the server needs a token: set AGUI_TOKEN, or AGUI_HOST=127.0.0.1"
    )]
    Open(IpAddr),
    #[error("RUNNER_TYPE: {0}")]
    Runner(#[from] crate::api::session::UnknownRunner),
    #[error("{name}: expected {expected}: {error}")]
    Json { name: &'static str, expected: &'static str, error: serde_json::Error },
    #[error("EVENTS_TAP_TIMEOUT_SEC: expected seconds from 0 to 3600, found {0}")]
    Wait(f64),
}

pub(super) fn resolve(args: &Args) -> Result<Config, ConfigError> {
    let options: SdkOptions = json("SDK_OPTIONS", "an object such as {\"max_turns\": 20}", &args.sdk_options)?;
    Ok(Config {
        address: address(args)?,
        token: args.token.clone().map(Secret::from),
        runner: args.runner_type.parse()?,
        // `join` takes an absolute path as it is.
        state_dir: args.workspace.join(&args.state_dir),
        session: session(args, options)?,
        main_repo_index: args.main_repo_index,
        initial_prompt: initial_prompt(args),
        events_wait: wait(args.events_wait)?,
    })
}

/// Without a token only this machine may connect.
fn address(args: &Args) -> Result<SocketAddr, ConfigError> {
    let default = if args.token.is_some() { Ipv4Addr::UNSPECIFIED } else { Ipv4Addr::LOCALHOST };
    let host = args.host.unwrap_or(IpAddr::V4(default));
    if args.token.is_none() && !host.is_loopback() {
        return Err(ConfigError::Open(host));
    }
    Ok(SocketAddr::new(host, args.port))
}

fn session(args: &Args, options: SdkOptions) -> Result<AgenticSessionSpec, ConfigError> {
    let repos = given_repos(&args.repos)?;
    let known = |name: &Option<String>| name.clone().filter(|name| !name.is_empty());
    let model =
        known(&args.vertex_model).or_else(|| known(&args.model)).or(options.model).filter(|model| !model.is_empty());
    let agent = AgentSpec {
        permission_mode: options.permission_mode.unwrap_or_default(),
        allowed_tools: options.allowed_tools,
        disallowed_tools: options.disallowed_tools,
        system_prompt: options.system_prompt,
        max_turns: options.max_turns,
        ..AgentSpec::default()
    };
    Ok(AgenticSessionSpec {
        repos,
        main_repo: args.main_repo.clone().filter(|name| !name.is_empty()),
        llm_settings: model.map(|model| LlmSettings { model, ..LlmSettings::default() }),
        agent: Some(agent),
        ..AgenticSessionSpec::default()
    })
}

/// The repositories of `REPOS_JSON`.
pub(in crate::cli) fn given_repos(text: &str) -> Result<Vec<RepoSpec>, ConfigError> {
    let repos: Vec<GivenRepo> = json("REPOS_JSON", "a list such as [{\"url\": \"https://…\"}]", text)?;
    Ok(repos.into_iter().map(GivenRepo::spec).collect())
}

/// A repository of `REPOS_JSON`, in either of the original's forms.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum GivenRepo {
    /// `{"url", "name", "branch", "autoPush"}`
    Flat(RepoSpec),
    /// `{"name", "input": {"url", "branch"}}`
    Nested { name: Option<String>, input: RepoSpec },
}

impl GivenRepo {
    fn spec(self) -> RepoSpec {
        match self {
            Self::Flat(spec) => spec,
            Self::Nested { name, input } => RepoSpec { name: name.or(input.name), ..input },
        }
    }
}

/// The options of the original's `SDK_OPTIONS` that this runner knows; others are left alone, as the original's are by
/// agents that do not know them.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct SdkOptions {
    model: Option<String>,
    permission_mode: Option<PermissionMode>,
    allowed_tools: Option<Vec<String>>,
    disallowed_tools: Vec<String>,
    max_turns: Option<u32>,
    system_prompt: Option<String>,
}

fn json<T: Default + for<'a> Deserialize<'a>>(
    name: &'static str,
    expected: &'static str,
    text: &str,
) -> Result<T, ConfigError> {
    if text.trim().is_empty() {
        return Ok(T::default());
    }
    serde_json::from_str(text).map_err(|error| ConfigError::Json { name, expected, error })
}

fn initial_prompt(args: &Args) -> Option<String> {
    let resumes = ["1", "true", "yes"].contains(&args.is_resume.to_lowercase().as_str());
    let prompt = args.initial_prompt.trim();
    (!resumes && !prompt.is_empty()).then(|| prompt.to_owned())
}

fn wait(seconds: f64) -> Result<Duration, ConfigError> {
    let known = Duration::try_from_secs_f64(seconds).ok().filter(|wait| *wait <= Duration::from_hours(1));
    known.ok_or(ConfigError::Wait(seconds))
}
