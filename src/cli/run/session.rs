//! One session, from its manifests to its exit code.

use std::{
    ffi::{OsStr, OsString},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};

use super::{
    Args, RunError,
    drive::{Drive, Ended},
    given::{Given, given, place, shown_dir},
    job::{self, Job, Sources, session_name},
    output::Output,
    place::Place,
    render::Detail,
    status,
};
use crate::{
    api::{
        AgenticSession,
        outcome::exit,
        session::{ReconciledRepo, RepoStatus, RunnerType},
        validate::Place as Where,
    },
    cli::{
        assemble::{self, Parts},
        logging,
        probe::Probe,
        workspace as ws,
    },
    host,
    runner::{
        Engine,
        mcp::{self, Configured, Fault, Layer},
    },
    security::{Redactor, credentials_from_env},
    workspace::{Current, Hydrated, WorkspacePlan, git::credentials::Credentials, hydrate},
};

/// Runs that name no timeout may take a day.
const RUN_TIMEOUT: Duration = Duration::from_hours(24);

/// How long an MCP server may take to answer; no turn waits for it that long.
const MCP_CONNECT: Duration = Duration::from_secs(30);

pub(super) async fn run(args: Args) -> Result<u8, RunError> {
    logging::start(&args.log_level, false, Arc::new(Redactor::from_env(std::env::vars())));
    let given = given(&args, Where::Laptop)?;
    let place = place(&args, &given)?;
    // Opening the log takes the session's lock: what is read after it cannot change under us.
    let store = assemble::open_store(&place.events(), 1)?;
    let job = job(&args, &place, given)?;
    let mut output =
        Output::new(args.output, Detail { thinking: args.thinking, verbose: args.verbose }, text(&place.workspace()));
    place.save_session(&job.session)?;
    for run in &job.runs {
        place.save_run(run)?;
    }
    let shown = shown_dir(&args, &job.session);
    output.begins(session_name(&job.session), runner(&job.session).as_str(), model(&job.session), &shown);
    check_agent(&args, &job)?;
    let hydrated = set_up(&job.session, &place, &mut output).await?;
    let parts = parts(&args, &place, &job.session, &hydrated);
    let host = assemble::agent_host(args.agent_socket.as_ref(), &place.events()).await?;
    let probe = Arc::new(
        Probe::of_repos(Arc::new(Current::new(hydrated.clone())), Arc::clone(&host)).and_files(&hydrated).await,
    );
    let engine = assemble::engine(parts, store, host, probe).await?;
    let started = Timestamp::now();
    let drive =
        Drive { engine: &engine, place: &place, output: &mut output, deadline: deadline(&job.session, started), job };
    let driven = drive.all().await;
    let (mut job, ended) = match driven {
        Ok(driven) => driven,
        Err(error) => {
            engine.shutdown().await;
            return Err(error);
        }
    };
    finish(&engine, &place, &mut job, &hydrated, ended, started).await?;
    let resume = format!("ambient run --dir {shown} -m \"…\"");
    output.ends(&job, &format!("{shown}/events"), &resume).map_err(RunError::Output)?;
    Ok(match ended {
        Ended::Done(code) => code,
        Ended::Quit => exit::INTERRUPTED,
    })
}

fn credentials() -> Result<Credentials, RunError> {
    Credentials::from_vars(|name| std::env::var(name).ok()).map_err(RunError::Credentials)
}

/// An agent that is not installed is said before a Run is spent on it: a Run that has started never starts again.
fn check_agent(args: &Args, job: &Job) -> Result<(), RunError> {
    let claude = runner(&job.session) == RunnerType::ClaudeAgentSdk;
    let here = args.agent_socket.is_none();
    if claude && here && job.runs.iter().any(|run| !status::had_its_turn(run)) {
        let own = job.session.spec.environment_variables.get("PATH").map(OsString::from);
        let path = own.or_else(|| std::env::var_os("PATH"));
        host::program(OsStr::new(&agent_command(args)), path.as_deref()).map_err(RunError::NoAgent)?;
    }
    Ok(())
}

/// A path is one from here, not from the workspace.
fn agent_command(args: &Args) -> String {
    let command = &args.agent_command;
    let path = command.contains('/').then(|| std::path::absolute(command).ok()).flatten();
    path.map_or_else(|| command.clone(), |path| text(&path))
}

fn job(args: &Args, place: &Place, given: Given) -> Result<Job, RunError> {
    let known_session = place.session()?;
    let given_session = match given.session {
        Some(session) => session,
        None => place.known_session()?,
    };
    let sources = Sources {
        known_session,
        known_runs: place.runs()?,
        given_session,
        given_runs: given.runs,
        message: args.message.clone(),
        now: Timestamp::now(),
    };
    Ok(job::assemble(sources)?)
}

async fn set_up(session: &AgenticSession, place: &Place, output: &mut Output) -> Result<Hydrated, RunError> {
    let plan: WorkspacePlan = ws::plan(
        session,
        credentials()?,
        ws::Dirs { workspace: place.workspace(), state: place.state(), data: place.events() },
    );
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    let on_progress = move |progress| {
        // The receiver lives until the hydration has ended.
        let _ = tell.send(progress);
    };
    let mut hydration = std::pin::pin!(hydrate(&plan, &on_progress));
    let hydrated = loop {
        tokio::select! {
            biased;
            Some(progress) = told.recv() => output.progress(&progress),
            hydrated = &mut hydration => break hydrated?,
        }
    };
    while let Ok(progress) = told.try_recv() {
        output.progress(&progress);
    }
    output.workspace_ready(&ws::line(session, &hydrated));
    Ok(hydrated)
}

/// The session's MCP servers. Variables are the session's own, else this machine's.
fn servers(session: &AgenticSession) -> Configured {
    let given = session.spec.mcp_servers.clone().unwrap_or_default();
    let layer = Layer::of("spec.mcpServers", given.custom, given.disabled);
    let own = &session.spec.environment_variables;
    mcp::configure(vec![layer], |name| own.get(name).cloned().or_else(|| std::env::var(name).ok()))
}

fn parts(args: &Args, place: &Place, session: &AgenticSession, hydrated: &Hydrated) -> Parts {
    let mcp = servers(session);
    let tools = ws::AgentTools { servers: mcp.servers, ..ws::AgentTools::default() };
    let known = credentials_from_env(std::env::vars()).into_iter().chain(mcp.secrets);
    let mut notes = vec![ws::note(hydrated)];
    notes.extend(mcp.faults.iter().map(Fault::to_string));
    Parts {
        runner: runner(session),
        replay: session.spec.runner.as_ref().and_then(|runner| Some(PathBuf::from(&runner.replay.as_ref()?.path))),
        record: args.record.clone(),
        agent_command: agent_command(args),
        idle: RUN_TIMEOUT,
        idle_agents: usize::MAX,
        mcp_connect: MCP_CONNECT,
        data_dir: place.events(),
        state_dir: place.state(),
        session: ws::template(session_name(session), &session.spec, hydrated, &tools),
        queue_limit: usize::MAX,
        turn_limit: usize::MAX,
        thread_limit: usize::MAX,
        run_timeout: RUN_TIMEOUT,
        workspace_state: ws::state(hydrated),
        notes,
        channels: None,
        callers: Arc::default(),
        redactor: Arc::new(Redactor::new(known)),
        tools: assemble::tools(None, tools.rubric, None),
    }
}

pub(super) fn runner(session: &AgenticSession) -> RunnerType {
    session.spec.runner.as_ref().map(|runner| runner.kind).unwrap_or_default()
}

/// What answers: a model, or a recording.
pub(super) fn model(session: &AgenticSession) -> &str {
    let spec = &session.spec;
    let replay = spec.runner.as_ref().and_then(|runner| runner.replay.as_ref());
    match (replay, &spec.llm_settings) {
        (Some(replay), _) => replay.path.rsplit('/').next().unwrap_or_default(),
        (None, Some(settings)) => &settings.model,
        (None, None) => "default model",
    }
}

fn deadline(session: &AgenticSession, started: Timestamp) -> Option<Timestamp> {
    started.checked_add(SignedDuration::from_secs(session.spec.active_deadline_seconds?)).ok()
}

async fn finish(
    engine: &Arc<Engine>,
    place: &Place,
    job: &mut Job,
    hydrated: &Hydrated,
    ended: Ended,
    started: Timestamp,
) -> Result<(), RunError> {
    if ended == Ended::Quit {
        // The open run is ended by the next start, from what its log holds.
        return Ok(());
    }
    engine.shutdown().await;
    status::session(job, repos(hydrated), started, Timestamp::now());
    place.save_session(&job.session)?;
    Ok(())
}

fn repos(hydrated: &Hydrated) -> Vec<ReconciledRepo> {
    let repo = |repo: &crate::workspace::HydratedRepo| ReconciledRepo {
        url: repo.url.clone(),
        name: Some(repo.name.clone()),
        current_active_branch: Some(hydrated.working_branch.clone()),
        default_branch: repo.base.clone(),
        status: Some(RepoStatus::Ready),
        ..ReconciledRepo::default()
    };
    hydrated.repos.iter().map(repo).collect()
}

fn text(path: &Path) -> String {
    path.display().to_string()
}
