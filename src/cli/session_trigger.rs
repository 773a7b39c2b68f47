//! `ambient session-trigger`: what the platform's `CronJobs` run.

use std::{path::PathBuf, process::ExitCode, sync::Arc};

use super::{fail, logging};
use crate::{
    api::outcome::exit,
    operator::trigger::{self, Schedule},
    security::{Redactor, credentials_from_env},
};

/// Start a session of a schedule
#[derive(Debug, Clone, clap::Args)]
pub(super) struct Args {
    /// The spec of the session as JSON
    #[arg(long, env = "SESSION_TEMPLATE", hide_env_values = true)]
    template: String,
    /// The namespace of the session
    #[arg(long, env = "PROJECT_NAMESPACE")]
    namespace: String,
    /// The schedule's name
    #[arg(long, env = "SCHEDULED_SESSION_NAME")]
    name: String,
    /// true: go on with the schedule's last session, if it runs, has stopped or has completed
    #[arg(long, env = "REUSE_LAST_SESSION", default_value = "false")]
    reuse: String,
    /// The namespace of the platform's backend, which tells a running session the prompt
    #[arg(long, env = "BACKEND_NAMESPACE", default_value = "ambient-code")]
    backend_namespace: String,
    /// Where the backend's API is; default: its Service in that namespace
    #[arg(long, env = "BACKEND_API_URL")]
    backend_url: Option<String>,
    /// The file with the token for the backend
    #[arg(long, default_value = "/var/run/secrets/kubernetes.io/serviceaccount/token", hide = true)]
    token_file: PathBuf,
}

pub(super) fn main(args: &Args) -> ExitCode {
    let redactor = Arc::new(Redactor::new(credentials_from_env(std::env::vars())));
    logging::start("info", false, redactor);
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&error, exit::CRASH),
    };
    runtime.block_on(run(args))
}

async fn run(args: &Args) -> ExitCode {
    let client = match kube::Client::try_default().await {
        Ok(client) => client,
        Err(error) => return fail(&error, exit::SETUP),
    };
    let service = || format!("http://backend-service.{}.svc.cluster.local:8080/api", args.backend_namespace);
    let schedule = Schedule {
        template: args.template.clone(),
        namespace: args.namespace.clone(),
        name: args.name.clone(),
        reuse: args.reuse.trim().eq_ignore_ascii_case("true"),
        backend: args.backend_url.clone().filter(|url| !url.is_empty()).unwrap_or_else(service),
        token: args.token_file.clone(),
    };
    match trigger::trigger(&client, &schedule).await {
        Ok(done) => {
            tracing::info!("{done}");
            ExitCode::SUCCESS
        }
        Err(error) => fail(&error, exit::SETUP),
    }
}
