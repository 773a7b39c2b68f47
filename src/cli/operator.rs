//! `ambient operator`: reconciles sessions and Runs in a cluster.

use std::{
    ffi::OsString,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
    time::Duration,
};

use kube::client::ClientBuilder;
use tokio::net::TcpListener;

use super::{fail, logging, stop};
use crate::{
    api::outcome::exit,
    operator::{
        self, Bucket, BucketError, Config, Deadlines, Listeners, Metrics, Platform, Policy, Vertex,
        gateway::{Endpoint, TlsFiles},
    },
    security::{Redactor, credentials_from_env},
};

/// Where events are on the operator's own disk.
const EVENTS: &str = "/var/lib/ambient/events";

const EVENT_STORE: &str = "Where what sessions have done is kept: a directory that one operator at a time has, or object \
    storage as s3://BUCKET/PREFIX, gs://BUCKET/PREFIX or az://CONTAINER/PREFIX, with --event-buffer. Keys, region and endpoint \
    come from the environment: AWS_*, GOOGLE_*, AZURE_*";

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
    #[arg(long, env = "AMBIENT_EVENT_STORE", value_name = "DIR|URL", default_value = EVENTS, help = EVENT_STORE)]
    event_store: String,
    /// The directory in front of object storage. What is lost with it is restored from there, so an emptyDir will do
    #[arg(long, env = "AMBIENT_EVENT_BUFFER", value_name = "DIR", default_value = EVENTS)]
    event_buffer: PathBuf,
    /// Seconds that events are kept after their session was deleted; 0: for ever. A session's annotation
    /// ambient-code.io/event-retention-seconds says otherwise
    #[arg(long, env = "AMBIENT_EVENT_RETENTION", default_value_t = 7 * 24 * 60 * 60)]
    event_retention: u64,
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
    /// Seconds that a session waits for what its pod cannot do without: Secrets, a volume's name, a template
    #[arg(long, env = "AMBIENT_INPUT_DEADLINE", default_value_t = Deadlines::default().inputs.as_secs())]
    input_deadline: u64,
    /// Seconds that a pod may take to end beyond its grace period until its node is asked about
    #[arg(long, env = "AMBIENT_END_DEADLINE", default_value_t = Deadlines::default().end.as_secs())]
    end_deadline: u64,
    #[command(flatten)]
    platform: PlatformArgs,
    /// Where /healthz and /readyz are answered
    #[arg(long, env = "AMBIENT_HEALTH_ADDRESS", default_value = "0.0.0.0:8081")]
    health_address: SocketAddr,
    /// Where /metrics is answered
    #[arg(long, env = "AMBIENT_METRICS_ADDRESS", default_value = "0.0.0.0:8080", alias = "metrics-bind-address")]
    metrics_address: SocketAddr,
    /// Reconcile only while the lease in the operator's own namespace is this one's; others take over within 15 s
    #[arg(long, env = "AMBIENT_LEADER_ELECT", num_args = 0..=1, default_missing_value = "true", default_value_t = false,
        action = clap::ArgAction::Set, require_equals = true)]
    leader_elect: bool,
    /// What this operator is called in the lease; no two that are alive at once have the same. Default: unique
    #[arg(long, env = "POD_NAME")]
    identity: Option<String>,
    /// Where the gateway (events of sessions and Runs) is served, over TLS
    #[arg(long, env = "AMBIENT_GATEWAY_ADDRESS", default_value = "0.0.0.0:8443")]
    gateway_address: SocketAddr,
    /// The gateway's certificate and chain (PEM), read again when it changes; absent: one of its own
    #[arg(long, env = "AMBIENT_GATEWAY_TLS_CERT", value_name = "FILE", requires = "gateway_tls_key")]
    gateway_tls_cert: Option<std::path::PathBuf>,
    /// The key of the gateway's certificate (PEM)
    #[arg(long, env = "AMBIENT_GATEWAY_TLS_KEY", value_name = "FILE", requires = "gateway_tls_cert")]
    gateway_tls_key: Option<std::path::PathBuf>,
    /// What is logged, e.g. info or ambient=debug
    #[arg(long, env = "LOG_LEVEL", default_value = "info")]
    log_level: String,
    /// Log lines: text or json
    #[arg(long, env = "AMBIENT_LOG_FORMAT", default_value = "json", value_parser = ["text", "json"])]
    log_format: String,
}

/// What the platform has for all sessions
#[derive(Debug, Clone, clap::Args)]
struct PlatformArgs {
    /// Vertex AI answers for models: 1, true or yes
    #[arg(long, env = "USE_VERTEX", default_value = "")]
    use_vertex: String,
    /// The region of Vertex AI
    #[arg(long, env = "CLOUD_ML_REGION", default_value = "")]
    vertex_region: String,
    /// The project of Vertex AI
    #[arg(long, env = "ANTHROPIC_VERTEX_PROJECT_ID", default_value = "")]
    vertex_project: String,
    /// The credentials' file for Vertex AI in a session's containers: a key of the Secret ambient-vertex, below /app/vertex
    #[arg(long, env = "GOOGLE_APPLICATION_CREDENTIALS", default_value = "")]
    vertex_credentials: String,
    /// Sessions get a copy of the Secret ambient-admin-langfuse-secret
    #[arg(long, env = "LANGFUSE_ENABLED", default_value = "")]
    langfuse: String,
    /// Sessions get a copy of the Secret ambient-admin-mlflow-observability-secret
    #[arg(long, env = "MLFLOW_TRACING_ENABLED", default_value = "")]
    mlflow: String,
    /// The runner registry; it need not be there
    #[arg(long, env = "AGENT_REGISTRY_PATH", default_value = "/config/registry/agent-registry.json")]
    registry: PathBuf,
    /// The list of models; it need not be there
    #[arg(long, env = "MODELS_MANIFEST_PATH", default_value = "/config/models/models.json")]
    models: PathBuf,
}

/// Why the operator ended before it was told to.
#[derive(Debug, thiserror::Error)]
enum StartError {
    #[error("there is no cluster to reconcile: {0}; set KUBECONFIG, or run in a pod with a service account")]
    Cluster(Box<dyn std::error::Error>),
    #[error("cannot listen on {address}: {error}; set {variable}")]
    Listen { address: SocketAddr, variable: &'static str, error: std::io::Error },
    #[error(
        "USE_VERTEX needs CLOUD_ML_REGION, ANTHROPIC_VERTEX_PROJECT_ID and GOOGLE_APPLICATION_CREDENTIALS: set all three, or none"
    )]
    Vertex,
    #[error("--event-store: {0}")]
    Bucket(#[from] BucketError),
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
        Err(error @ (StartError::Cluster(_) | StartError::Vertex | StartError::Bucket(_))) => fail(&error, exit::SETUP),
        Err(error @ (StartError::Listen { .. } | StartError::Start(_))) => fail(&error, exit::CRASH),
    }
}

async fn run(args: &Args) -> Result<(), StartError> {
    let config = config(args)?;
    let stop = stop::on_signal().map_err(|error| StartError::Start(error.into()))?;
    let health = listen("health", args.health_address, "AMBIENT_HEALTH_ADDRESS").await?;
    let metrics = listen("metrics", args.metrics_address, "AMBIENT_METRICS_ADDRESS").await?;
    let listener = listen("gateway", args.gateway_address, "AMBIENT_GATEWAY_ADDRESS").await?;
    let tls = args.gateway_tls_cert.clone().zip(args.gateway_tls_key.clone());
    let gateway = Endpoint { listener, tls: tls.map(|(certificate, key)| TlsFiles { certificate, key }) };
    let listeners = Listeners { gateway, health, metrics };
    let metrics = Metrics::new();
    let client = connect(&metrics).await?;
    let result = Box::pin(operator::run(client, config, listeners, metrics, stop)).await;
    result.map_err(|error| StartError::Start(error.into()))
}

/// A client whose requests are counted.
async fn connect(metrics: &Metrics) -> Result<kube::Client, StartError> {
    let config = kube::Config::infer().await.map_err(|error| StartError::Cluster(error.into()))?;
    let builder = ClientBuilder::try_from(config).map_err(|error| StartError::Cluster(error.into()))?;
    Ok(builder.with_layer(&metrics.count_requests()).build())
}

async fn listen(what: &'static str, address: SocketAddr, variable: &'static str) -> Result<TcpListener, StartError> {
    let failed = |error| StartError::Listen { address, error, variable };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    tracing::info!(address = %listener.local_addr().map_err(failed)?, "{what}");
    Ok(listener)
}

/// The directory, and the object storage behind it if there is any.
fn event_store(args: &Args) -> Result<(PathBuf, Option<Bucket>), BucketError> {
    if !args.event_store.contains("://") {
        return Ok((PathBuf::from(&args.event_store), None));
    }
    // A variable that is no text is nothing that a store is told.
    let text = |(name, value): (OsString, OsString)| Some((name.into_string().ok()?, value.into_string().ok()?));
    // With Vertex it names a file of sessions' containers.
    let is_ours =
        |(name, value): &(String, String)| name != "GOOGLE_APPLICATION_CREDENTIALS" || Path::new(value).is_file();
    let bucket = Bucket::of(&args.event_store, std::env::vars_os().filter_map(text).filter(is_ours))?;
    Ok((args.event_buffer.clone(), Some(bucket)))
}

fn config(args: &Args) -> Result<Config, StartError> {
    let (event_store, event_bucket) = event_store(args)?;
    Ok(Config {
        watch_namespaces: args.watch_namespaces.iter().filter(|name| !name.is_empty()).cloned().collect(),
        backend_namespace: args.backend_namespace.clone().filter(|name| !name.is_empty()),
        namespace: args.namespace.clone(),
        leader_elect: args.leader_elect.then(|| identity(args)),
        runner_image: args.runner_image.clone(),
        agent_image: args.agent_image.clone(),
        pull_policy: args.pull_policy.clone(),
        port: args.runner_port,
        event_store,
        event_bucket,
        event_retention: (args.event_retention > 0).then(|| Duration::from_secs(args.event_retention)),
        inactivity: Duration::from_secs(args.inactivity),
        deadlines: Deadlines {
            schedule: Duration::from_secs(args.schedule_deadline),
            start: Duration::from_secs(args.start_deadline),
            session: Duration::from_secs(args.session_deadline),
            inputs: Duration::from_secs(args.input_deadline),
            end: Duration::from_secs(args.end_deadline),
        },
        policy: Policy {
            managed_only: args.managed_namespaces_only,
            create_settings: !args.no_project_settings,
            keep_runs: Some(args.keep_runs).filter(|number| *number > 0),
        },
        platform: platform(&args.platform)?,
    })
}

fn platform(args: &PlatformArgs) -> Result<Platform, StartError> {
    let is_on = |text: &str| !["", "0", "false"].contains(&text.to_lowercase().as_str());
    Ok(Platform {
        vertex: vertex(args)?,
        langfuse: is_on(&args.langfuse),
        mlflow: is_on(&args.mlflow),
        registry: args.registry.clone(),
        models: args.models.clone(),
    })
}

fn vertex(args: &PlatformArgs) -> Result<Option<Vertex>, StartError> {
    if !["1", "true", "yes"].contains(&args.use_vertex.to_lowercase().as_str()) {
        return Ok(None);
    }
    let vertex = Vertex {
        region: args.vertex_region.clone(),
        project: args.vertex_project.clone(),
        credentials: args.vertex_credentials.clone(),
    };
    let whole = [&vertex.region, &vertex.project, &vertex.credentials].into_iter().all(|text| !text.is_empty());
    if whole { Ok(Some(vertex)) } else { Err(StartError::Vertex) }
}

fn identity(args: &Args) -> String {
    args.identity.clone().unwrap_or_else(|| format!("ambient-operator-{}", uuid::Uuid::new_v4()))
}
