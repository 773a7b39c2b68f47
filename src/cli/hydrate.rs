//! `ambient hydrate`: sets up the workspace of a session before its runner starts.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

use super::{
    fail, logging,
    runner::{ConfigError, given_repos},
};
use crate::{
    api::{self, outcome::exit},
    security::{Redactor, credentials_from_env},
    workspace::{
        Access, FileSpec, HydrateError, MainRepo, Next, Progress, RepoSpec, WorkspacePlan,
        git::{credentials::Credentials, url::UrlPolicy},
        hydrate,
    },
};

/// Where the kubelet reads why a container ended.
const LAST_WORDS: &str = "/dev/termination-log";

/// Set up a session's workspace: folders, clones, files. Doing it again changes nothing that is there.
#[derive(Debug, clap::Args)]
#[command(after_help = "Exit codes: 0 done; 3 a person has to act (the message says what to do); 6 it may work later.

Example:
  REPOS_JSON='[{\"url\": \"https://github.com/octocat/Hello-World.git\"}]' \\
    ambient hydrate --session-id demo --workspace ./ws --data-dir ./data --state-dir ./state")]
pub(super) struct Args {
    /// The session's name; the working branch is ambient/<name>
    #[arg(long, env = "SESSION_ID", default_value = "unknown")]
    session_id: String,
    /// The workspace
    #[arg(long, env = "WORKSPACE_PATH", default_value = "/workspace")]
    workspace: PathBuf,
    /// The agent's state; below the workspace unless it is absolute
    #[arg(long, env = "RUNNER_STATE_DIR", default_value = ".claude")]
    state_dir: PathBuf,
    /// What is remembered of the set-up, out of the agent's reach
    #[arg(long, env = "AMBIENT_DATA_DIR", default_value = "/var/lib/ambient")]
    data_dir: PathBuf,
    /// Repositories: [{"url", "name", "branch", "autoPush"}]
    #[arg(long, env = "REPOS_JSON", default_value = "")]
    repos: String,
    /// The repository that the agent starts in; default: the first
    #[arg(long, env = "MAIN_REPO_NAME")]
    main_repo: Option<String>,
    /// A JSON file with small files to write: [{"path", "content"}]
    #[arg(long, env = "AMBIENT_FILES")]
    files: Option<PathBuf>,
    /// Allow plain http:// for clones
    #[arg(long, env = "AMBIENT_CLONE_HTTP", default_value_t = false)]
    clone_http: bool,
    /// Log lines: text or json
    #[arg(long, env = "AMBIENT_LOG_FORMAT", default_value = "text", value_parser = ["text", "json"])]
    log_format: String,
}

/// Why there is no workspace.
#[derive(Debug, thiserror::Error)]
enum SetupError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error("AMBIENT_FILES: {}: {error}", path.display())]
    Files { path: PathBuf, error: std::io::Error },
    #[error("credentials: {0}")]
    Credentials(String),
    #[error(transparent)]
    Hydrate(#[from] HydrateError),
    #[error("the set-up cannot start: {0}")]
    Start(std::io::Error),
}

impl SetupError {
    fn exit_code(&self) -> u8 {
        match self {
            Self::Config(_) | Self::Files { .. } | Self::Credentials(_) => exit::SETUP,
            Self::Hydrate(error) => match error.next() {
                Next::Act => exit::SETUP,
                Next::Retry => exit::CRASH,
            },
            Self::Start(_) => exit::CRASH,
        }
    }
}

pub(super) fn main(args: &Args) -> ExitCode {
    let redactor = Arc::new(Redactor::new(credentials_from_env(std::env::vars())));
    logging::start("info", args.log_format == "json", Arc::clone(&redactor));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let done = runtime.map_err(SetupError::Start).and_then(|runtime| runtime.block_on(run(args)));
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Outside of a pod there is nobody to read it.
            let _ = std::fs::write(LAST_WORDS, redactor.redact_str(&error.to_string()).as_bytes());
            fail(&error, error.exit_code())
        }
    }
}

async fn run(args: &Args) -> Result<(), SetupError> {
    let hydrated = hydrate(&plan(args)?, &|progress| tell(&progress)).await?;
    tracing::info!(repos = hydrated.repos.len(), "the workspace is ready");
    Ok(())
}

fn plan(args: &Args) -> Result<WorkspacePlan, SetupError> {
    let repos = given_repos(&args.repos)?;
    let repos = repos.into_iter().map(|repo| RepoSpec {
        name: repo.name,
        url: repo.url,
        branch: repo.branch,
        auto_push: repo.auto_push,
    });
    let credentials = Credentials::from_vars(|name| std::env::var(name).ok()).map_err(SetupError::Credentials)?;
    Ok(WorkspacePlan {
        // `join` takes an absolute path as it is.
        state_dir: Some(args.workspace.join(&args.state_dir)),
        // All containers of the pod are one user.
        access: Access::Private,
        repos: repos.collect(),
        main_repo: args.main_repo.clone().filter(|name| !name.is_empty()).map(MainRepo::Name),
        files: args.files.as_deref().map_or_else(|| Ok(Vec::new()), files)?,
        credentials,
        urls: UrlPolicy { http: args.clone_http, file: false },
        ..WorkspacePlan::new(&args.session_id, &args.workspace, &args.data_dir)
    })
}

fn files(path: &Path) -> Result<Vec<FileSpec>, SetupError> {
    let failed = |error| SetupError::Files { path: path.to_owned(), error };
    let text = std::fs::read_to_string(path).map_err(failed)?;
    let given: Vec<api::session::FileSpec> = serde_json::from_str(&text).map_err(|error| failed(error.into()))?;
    Ok(given.into_iter().map(|file| FileSpec { path: file.path, content: file.content }).collect())
}

fn tell(progress: &Progress) {
    match progress {
        Progress::Started { repo } => tracing::info!(repo, "cloning"),
        Progress::Fraction { .. } => {}
        Progress::Retrying { repo, reason, attempt, after } => {
            tracing::warn!(repo, reason, attempt, ?after, "cloning again");
        }
        Progress::Finished { repo, took, base, branch } => tracing::info!(repo, ?took, base, branch, "cloned"),
        Progress::Kept { repo } => tracing::info!(repo, "is there already"),
        Progress::Failed { repo, reason } => tracing::error!(repo, reason, "not cloned"),
        Progress::Notice(text) => tracing::warn!("{text}"),
    }
}
