//! `ambient runner`: one session's agent, served over AG-UI.

mod args;
mod config;
mod credentials;
mod sources;

use std::{process::ExitCode, sync::Arc, time::Duration};

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

pub(super) use args::Args;
use config::Config;
pub(super) use config::{ConfigError, given_repos};

use super::{
    assemble::{self, AssembleError, Parts},
    fail, logging,
    probe::Probe,
    stop,
    workspace::{self, AgentTools},
};
use crate::{
    agui::{Content, Id, Message, MessageCommon, RunAgentInput},
    api::outcome::exit,
    bridge::SessionSpec,
    runner::{
        self, Caller, Engine, RunRequest, SessionTemplate,
        callers::Callers,
        content::Content as Files,
        feedback_file::FeedbackFile,
        http::{self, Pace, Server},
        mcp::{
            self, Configured, Fault,
            tools::{AcpTools, RefreshCredentials},
        },
        sources::Sources,
    },
    security::{Redactor, credentials_from_env},
    workspace::{Current, HydrateError, Hydrated},
};

/// How long to wait for whoever keeps the log elsewhere; the pod's grace period is longer.
const KEEP_WITHIN: Duration = Duration::from_secs(10);
/// How long clients get to take the last frames when the runner ends.
const LAST_FRAMES: Duration = Duration::from_millis(500);

/// Why the runner ended before it was told to.
#[derive(Debug, thiserror::Error)]
enum RunnerError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Assemble(#[from] AssembleError),
    #[error("the workspace cannot be used: {0}")]
    Workspace(#[from] HydrateError),
    #[error("cannot listen on {address}: {error}; is another runner there? Set AGUI_PORT")]
    Listen { address: std::net::SocketAddr, error: std::io::Error },
    #[error("the server failed: {0}")]
    Serve(std::io::Error),
    #[error("the runner cannot start: {0}")]
    Start(std::io::Error),
}

impl RunnerError {
    fn exit_code(&self) -> u8 {
        match self {
            Self::Config(_) => exit::USAGE,
            Self::Assemble(_) | Self::Workspace(_) | Self::Listen { .. } => exit::SETUP,
            Self::Serve(_) | Self::Start(_) => exit::CRASH,
        }
    }
}

pub(super) fn main(args: Args) -> ExitCode {
    let mcp = mcp::sources::of_runner(|name| std::env::var(name).ok());
    let known = credentials_from_env(std::env::vars()).into_iter().chain(mcp.secrets.iter().cloned());
    let redactor = Arc::new(Redactor::new(known));
    logging::start(&args.log_level, args.log_format == "json", Arc::clone(&redactor));
    // One thread: the work is moving small pieces between a pipe, a file and sockets, and a hop between threads costs more
    // than the piece. What blocks for long has threads of its own.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let result = runtime.map_err(RunnerError::Start).and_then(|runtime| runtime.block_on(run(args, redactor, mcp)));
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error, error.exit_code()),
    }
}

async fn run(args: Args, redactor: Arc<Redactor>, mcp: Configured) -> Result<(), RunnerError> {
    // Before anything is started: who can see us may also stop us.
    let stop = stop::on_signal().map_err(RunnerError::Start)?;
    let config = config::resolve(&args)?;
    let listener = listen(&config).await?;
    let session_id = Id::from(args.session_id.as_str());
    for fault in &mcp.faults {
        tracing::warn!(%fault, "an MCP server is left out");
    }
    let (engine, sources, content) = engine(&args, &config, redactor, &mcp).await?;
    let drained = CancellationToken::new();
    let acknowledged = Arc::<http::Acknowledged>::default();
    let state = Server {
        engine: Arc::clone(&engine),
        session_id: session_id.clone(),
        token: config.token.clone(),
        pace: Pace::new(Duration::from_secs(args.heartbeat), drained.clone()),
        wait: config.events_wait,
        mcp_faults: mcp.faults.into(),
        feedback: FeedbackFile::new(&args.data_dir, engine.redactor()),
        sources: Arc::clone(&sources),
        acknowledged: Arc::clone(&acknowledged),
        content,
    };
    let last_words = CancellationToken::new();
    let serving = tokio::spawn(http::serve(listener, http::router(state), last_words.clone()));
    sources::follow_workflow(&sources, &engine, &args);
    begin(&engine, session_id, config.initial_prompt);
    stop.cancelled().await;
    engine.end_turns().await;
    if !acknowledged.wait(&engine, KEEP_WITHIN).await {
        tracing::warn!("the end of the log is nowhere but here: nobody who keeps it has come for it");
    }
    last_words.cancel();
    engine.close();
    drained.cancel();
    match tokio::time::timeout(LAST_FRAMES, serving).await {
        Ok(Ok(served)) => served.map(drop).map_err(RunnerError::Serve),
        Ok(Err(panic)) => Err(RunnerError::Serve(std::io::Error::other(panic))),
        // A client that does not take its last frames comes back with its cursor.
        Err(_) => Ok(()),
    }
}

async fn listen(config: &Config) -> Result<TcpListener, RunnerError> {
    let failed = |error| RunnerError::Listen { address: config.address, error };
    let listener = TcpListener::bind(config.address).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    tracing::info!(%address, token = config.token.is_some(), "listening");
    Ok(listener)
}

async fn engine(
    args: &Args,
    config: &Config,
    redactor: Arc<Redactor>,
    mcp: &Configured,
) -> Result<(Arc<Engine>, Arc<Sources>, Arc<Files>), RunnerError> {
    let store = assemble::open_store(&args.data_dir, args.first_seq)?;
    let host = assemble::agent_host(args.agent_socket.as_ref(), &args.data_dir).await?;
    let mut hydrated: Hydrated = workspace::adopt(
        args.session_id.as_str(),
        &args.workspace,
        &config.state_dir,
        &config.session,
        config.main_repo_index,
    )?;
    sources::adopt_workflow(args, &mut hydrated);
    runner::sources::restore(&mut hydrated, &args.data_dir);
    let callers = Arc::<Callers>::default();
    let platform = credentials::platform(args);
    let service = credentials::service(args, platform.as_ref(), &callers, &redactor);
    let acp = platform.map(|platform| AcpTools::new(platform, Arc::clone(&redactor), &args.session_id));
    let tools = AgentTools { servers: mcp.servers.clone(), refresh: service.is_some(), ..AgentTools::default() };
    let template = workspace::template(&args.session_id, &config.session, &hydrated, &tools);
    let parts = Parts {
        runner: config.runner,
        replay: args.replay_file.clone(),
        record: None,
        agent_command: args.agent_command.clone(),
        idle: Duration::from_secs(args.idle_agent),
        idle_agents: args.idle_agents,
        mcp_connect: Duration::from_secs(args.mcp_timeout),
        data_dir: args.data_dir.clone(),
        state_dir: config.state_dir.clone(),
        session: SessionTemplate(SessionSpec { user: Caller::new(&args.user_id, "", "").user_id, ..template.0 }),
        queue_limit: args.queue_limit,
        turn_limit: args.turn_limit,
        thread_limit: args.thread_limit,
        run_timeout: Duration::from_secs(args.run_timeout),
        workspace_state: workspace::state(&hydrated),
        notes: std::iter::once(workspace::note(&hydrated)).chain(mcp.faults.iter().map(Fault::to_string)).collect(),
        channels: credentials::channels(args, service.as_ref()),
        callers,
        redactor,
        tools: assemble::tools(
            service.map(|service| service as Arc<dyn RefreshCredentials>),
            tools.rubric.clone(),
            acp,
        ),
    };
    let current = Arc::new(Current::new(hydrated));
    let probe = Arc::new(Probe::of_repos(Arc::clone(&current), Arc::clone(&host)));
    let engine = assemble::engine(parts, store, Arc::clone(&host), probe).await?;
    let content = sources::content(args, Arc::clone(&host), Arc::clone(&current));
    let sources = Sources::new(sources::parts(args, config, &engine, host, current, tools))?;
    Ok((engine, sources, Arc::new(content)))
}

/// Warms the session's agent, and gives it the initial prompt. The prompt's run id is that of the session, so a runner that
/// starts again never gives it twice.
fn begin(engine: &Arc<Engine>, session_id: Id, prompt: Option<String>) {
    let engine = Arc::clone(engine);
    tokio::spawn(async move {
        let Some(prompt) = prompt else {
            return engine.warm(&session_id).await;
        };
        if let Err(error) = engine.submit(RunRequest::plain(initial(&session_id, prompt))).await {
            tracing::error!(%error, "the initial prompt was not accepted");
        }
    });
}

fn initial(session_id: &Id, prompt: String) -> RunAgentInput {
    let run_id = Id::from(format!("{session_id}-initial"));
    let message =
        Message::User { id: run_id.clone(), content: Content::Text(prompt), common: MessageCommon::default() };
    RunAgentInput {
        thread_id: session_id.clone(),
        run_id,
        protocol_version: None,
        parent_run_id: None,
        state: None,
        messages: vec![message],
        tools: Vec::new(),
        context: Vec::new(),
        forwarded_props: None,
        resume: Vec::new(),
    }
}
