//! `ambient run --cluster`: the same manifests and the same output, while the work is done in a cluster.

mod connect;
mod drive;
mod error;
mod follow;
mod plan;

use std::sync::Arc;

pub(super) use self::error::ClusterError;
use self::{connect::Cluster, drive::Drive, plan::Step};
use super::{
    RunError,
    given::{Given, given},
    job::{Job, session_name},
    output::Output,
    render::Detail,
    session::{model, runner},
};
use crate::{
    api::{AgenticSession, Run, validate::Place},
    cli::{gateway, logging},
    security::Redactor,
};

/// Where the agent works in a pod; its paths are shown from there.
const WORKSPACE: &str = "/workspace";

/// Which cluster, and where in it.
#[derive(Debug, Clone, clap::Args)]
#[group(skip)]
#[command(next_help_heading = "In a cluster")]
pub(super) struct Args {
    /// Run in the kubeconfig's cluster instead of on this machine: apply the manifests, follow the Runs
    #[arg(long)]
    pub(super) cluster: bool,
    /// The namespace; absent: that of the manifests, else the kubeconfig's
    #[arg(short, long, value_name = "NAME", requires = "cluster")]
    namespace: Option<String>,
    /// The context of the kubeconfig
    #[arg(long, value_name = "NAME", requires = "cluster")]
    context: Option<String>,
    /// A session of the cluster, for -m without its manifest
    #[arg(long, value_name = "NAME", requires = "cluster", conflicts_with = "files")]
    session: Option<String>,
    #[command(flatten)]
    gateway: gateway::Args,
}

pub(super) async fn run(args: super::Args) -> Result<u8, RunError> {
    logging::start(&args.log_level, false, Arc::new(Redactor::from_env(std::env::vars())));
    let given = given(&args, Place::Cluster)?;
    let name = plan::session_of(&given, args.place.session.as_deref())?.to_owned();
    let cluster = Cluster::connect(&args.place, &given).await?;
    let (session, steps) = apply(&cluster, &given, &name, args.message.as_deref()).await?;
    let mut output =
        Output::new(args.output, Detail { thinking: args.thinking, verbose: args.verbose }, WORKSPACE.to_owned());
    let place = format!("namespace {}", cluster.namespace);
    output.begins(&name, runner(&session).as_str(), model(&session), &place);
    let drive = Drive { cluster: &cluster, output: &mut output, session, runs: Vec::new(), codes: Vec::new() };
    let (mut job, code) = Box::pin(drive.all(steps)).await?;
    // As it is now, with what the Runs have used.
    if let Some(session) = cluster.get::<AgenticSession>(&name).await? {
        job.session = session;
    }
    ends(&mut output, &job, &cluster.namespace).map_err(RunError::Output)?;
    Ok(code)
}

/// Applies settings and session, once it is sure that the Runs fit.
async fn apply(
    cluster: &Cluster,
    given: &Given,
    name: &str,
    message: Option<&str>,
) -> Result<(AgenticSession, Vec<Step>), RunError> {
    let known = cluster.get::<AgenticSession>(name).await?;
    let Some(session) = given.session.as_ref().or(known.as_ref()) else {
        let (session, namespace) = (name.to_owned(), cluster.namespace.clone());
        return Err(ClusterError::NoSession { session, namespace }.into());
    };
    let there: Vec<Run> = cluster.runs(&plan::names(given, name)).await?;
    let steps = plan::steps(session, known.as_ref(), given, &there, message)?;
    for settings in &given.settings {
        cluster.write(settings).await?;
    }
    let session = match &given.session {
        Some(session) => cluster.write(session).await?,
        None => session.clone(),
    };
    Ok((session, steps))
}

fn ends(output: &mut Output, job: &Job, namespace: &str) -> std::io::Result<()> {
    let name = session_name(&job.session);
    let resume = format!("ambient run --cluster -n {namespace} --session {name} -m \"…\"");
    output.ends(job, &format!("ambient events {namespace}/{name}"), &resume)
}
