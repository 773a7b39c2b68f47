//! `ambient operator`: reconciles sessions and Runs in a cluster.

use std::{process::ExitCode, sync::Arc, time::Duration};

use tokio::net::TcpListener;

use super::{fail, logging, stop};
use crate::{
    api::outcome::exit,
    operator::{self, Config, Deadlines, Policy},
    security::{Redactor, credentials_from_env},
};

/// Reconcile sessions and Runs of a cluster
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "Finds the cluster as kubectl does: inside a pod by its service account, else by KUBECONFIG.")]
pub(super) struct Args {
    /// The operator's own namespace; its pods may reach runners
    #[arg(long, env = "NAMESPACE", default_value = "ambient-system")]
    namespace: String,
    /// Reconcile these namespaces only, with commas between them; default: all
    #[arg(long, alias = "watch-namespace", env = "AMBIENT_WATCH_NAMESPACES", value_delimiter = ',')]
    watch_namespaces: Vec<String>,
    /// Reconcile only what is in namespaces with the label ambient-code.io/managed=true
    #[arg(long, env = "AMBIENT_MANAGED_NAMESPACES_ONLY")]
    managed_namespaces_only: bool,
    /// Do not give namespaces with the label ambient-code.io/managed=true empty ProjectSettings when they have none
    #[arg(long, env = "AMBIENT_NO_PROJECT_SETTINGS")]
    no_project_settings: bool,
    /// How many finished Runs of a session are kept; 0: all
    #[arg(long, env = "AMBIENT_KEEP_RUNS", default_value_t = 100)]
    keep_runs: usize,
    /// The platform backend's namespace: runners get its address and a token for it
    #[arg(long, env = "BACKEND_NAMESPACE")]
    backend_namespace: Option<String>,
    /// The image of the runner and of what sets up the workspace
    #[arg(long, env = "AMBIENT_RUNNER_IMAGE", default_value = concat!("localhost/ambient:", env!("CARGO_PKG_VERSION")))]
    runner_image: String,
    /// The image that the agent runs in
    #[arg(long, env = "AMBIENT_AGENT_IMAGE", default_value = concat!("localhost/ambient-agent:", env!("CARGO_PKG_VERSION")))]
    agent_image: String,
    /// imagePullPolicy of both
    #[arg(long, env = "IMAGE_PULL_POLICY", default_value = "IfNotPresent", value_parser = ["Always", "IfNotPresent", "Never"])]
    pull_policy: String,
    /// The port of runners
    #[arg(long, env = "AMBIENT_RUNNER_PORT", default_value_t = 8001)]
    runner_port: u16,
    /// Seconds without activity after which a session stops that says nothing about it; 0: never
    #[arg(long, env = "DEFAULT_INACTIVITY_TIMEOUT", default_value_t = 86_400)]
    inactivity: u64,
    /// Seconds until a session's pod must have a node
    #[arg(long, env = "AMBIENT_SCHEDULE_DEADLINE", default_value_t = Deadlines::default().schedule.as_secs())]
    schedule_deadline: u64,
    /// Seconds until a pod with a node must be ready: images, volumes, clones
    #[arg(long, env = "AMBIENT_START_DEADLINE", default_value_t = Deadlines::default().start.as_secs())]
    start_deadline: u64,
    /// Seconds that a Run waits for a session that does not exist
    #[arg(long, env = "AMBIENT_SESSION_DEADLINE", default_value_t = Deadlines::default().session.as_secs())]
    session_deadline: u64,
    /// Where /healthz and /readyz are answered
    #[arg(long, env = "AMBIENT_HEALTH_ADDRESS", default_value = "0.0.0.0:8081")]
    health_address: std::net::SocketAddr,
    /// What is logged, e.g. info or ambient=debug
    #[arg(long, env = "LOG_LEVEL", default_value = "info")]
    log_level: String,
    /// Log lines: text or json
    #[arg(long, env = "AMBIENT_LOG_FORMAT", default_value = "json", value_parser = ["text", "json"])]
    log_format: String,
}

/// Why the operator ended before it was told to.
#[derive(Debug, thiserror::Error)]
enum StartError {
    #[error("there is no cluster to reconcile: {0}; set KUBECONFIG, or run in a pod with a service account")]
    Cluster(Box<dyn std::error::Error>),
    #[error("cannot listen on {address}: {error}; set AMBIENT_HEALTH_ADDRESS")]
    Listen { address: std::net::SocketAddr, error: std::io::Error },
    #[error("the operator cannot start: {0}")]
    Start(Box<dyn std::error::Error>),
}

pub(super) fn main(args: &Args) -> ExitCode {
    let redactor = Arc::new(Redactor::new(credentials_from_env(std::env::vars())));
    logging::start(&args.log_level, args.log_format == "json", redactor);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let result =
        runtime.map_err(|error| StartError::Start(error.into())).and_then(|runtime| runtime.block_on(run(args)));
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error @ StartError::Cluster(_)) => fail(&error, exit::SETUP),
        Err(error @ (StartError::Listen { .. } | StartError::Start(_))) => fail(&error, exit::CRASH),
    }
}

async fn run(args: &Args) -> Result<(), StartError> {
    let stop = stop::on_signal().map_err(|error| StartError::Start(error.into()))?;
    let address = args.health_address;
    let health = TcpListener::bind(address).await.map_err(|error| StartError::Listen { address, error })?;
    tracing::info!(address = %health.local_addr().map_err(|error| StartError::Listen { address, error })?, "health");
    let client = kube::Client::try_default().await.map_err(|error| StartError::Cluster(error.into()))?;
    operator::run(client, config(args), health, stop).await.map_err(|error| StartError::Start(error.into()))
}

fn config(args: &Args) -> Config {
    Config {
        watch_namespaces: args.watch_namespaces.iter().filter(|name| !name.is_empty()).cloned().collect(),
        backend_namespace: args.backend_namespace.clone().filter(|name| !name.is_empty()),
        namespace: args.namespace.clone(),
        runner_image: args.runner_image.clone(),
        agent_image: args.agent_image.clone(),
        pull_policy: args.pull_policy.clone(),
        port: args.runner_port,
        inactivity: Duration::from_secs(args.inactivity),
        deadlines: Deadlines {
            schedule: Duration::from_secs(args.schedule_deadline),
            start: Duration::from_secs(args.start_deadline),
            session: Duration::from_secs(args.session_deadline),
        },
        policy: Policy {
            managed_only: args.managed_namespaces_only,
            create_settings: !args.no_project_settings,
            keep_runs: Some(args.keep_runs).filter(|number| *number > 0),
        },
    }
}
