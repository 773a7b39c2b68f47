//! Measures the operator: how soon a session has its pod, how often it writes, what it costs while nothing happens, and how soon
//! thousands of readers see what an agent says.
//!
//! `make bench-operator` starts an API server with the usual controllers and fake nodes (kwok), builds the operator, and runs
//! this. `hack/bench-operator.sh --profile dev pods` runs a part with a debug build, whose figures count for nothing.

#![allow(dead_code, reason = "the runner's benchmark uses the rest of what is shared")]

#[path = "../../tests/support/access.rs"]
mod access;
mod account;
#[path = "../bench/figures.rs"]
mod figures;
mod live;
mod load;
mod operator;
#[path = "../bench/process.rs"]
mod process;
mod program;
mod reader;
mod readers;
mod rest;
mod runner;
mod runs;
mod soon;
#[path = "../bench/stats.rs"]
mod stats;
mod watched;

use std::{error::Error, path::PathBuf, process::ExitCode, time::Duration};

use clap::{Parser, ValueEnum};
use figures::Figures;
use kube::{
    Client, Config,
    config::{KubeConfigOptions, Kubeconfig},
};

/// What a measurement comes back with.
pub(crate) type Result<T, E = Box<dyn Error + Send + Sync>> = std::result::Result<T, E>;

/// Measures the operator.
#[derive(Parser)]
pub(crate) struct Arguments {
    /// What to measure; nothing: everything
    what: Vec<What>,
    /// The operator
    #[arg(long, default_value = "target/release/ambient")]
    ambient: PathBuf,
    /// The double of the agent CLI
    #[arg(long, default_value = "target/release/examples/fake_claude")]
    fake_claude: PathBuf,
    /// An administrator's access to a cluster that nobody else uses
    #[arg(long)]
    kubeconfig: PathBuf,
    /// Where results go
    #[arg(long, default_value = "target/bench")]
    results: PathBuf,
    /// Seconds for which a system at rest is watched
    #[arg(long, default_value_t = 60)]
    window: u64,
    /// How many sessions many are
    #[arg(long, default_value_t = 10_000)]
    many: usize,
    /// How many read one run
    #[arg(long, default_value_t = 5_000)]
    readers: usize,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum What {
    /// A Run's writes
    Runs,
    /// Thousands of readers of one run
    Readers,
    /// From session to pod
    Pods,
    /// 0 and 200 sessions at rest
    Rest,
    /// Thousands of sessions at rest
    Many,
}

impl Arguments {
    pub(crate) fn window(&self) -> Duration {
        Duration::from_secs(self.window)
    }

    /// A client with a connection of its own.
    pub(crate) async fn client(&self) -> Result<Client> {
        let config = Kubeconfig::read_from(&self.kubeconfig)?;
        let config = Config::from_custom_kubeconfig(config, &KubeConfigOptions::default()).await?;
        Ok(Client::try_from(config)?)
    }
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> ExitCode {
    match measure(&Arguments::parse()).await {
        Ok(figures) if figures.far_off() => ExitCode::FAILURE,
        Ok(_) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(3)
        }
    }
}

async fn measure(arguments: &Arguments) -> Result<Figures> {
    std::fs::create_dir_all(&arguments.results)?;
    let all = What::value_variants();
    let chosen = if arguments.what.is_empty() { all } else { &arguments.what };
    if let Some(load) = process::load() {
        eprintln!("load average before: {load} (an idle machine gives the figures that count)");
    }
    account::write(arguments).await?;
    let mut figures = Figures::default();
    // First what has a runner: the pods of later sessions lead nowhere.
    if chosen.contains(&What::Runs) {
        runs::measure(arguments, &mut figures).await?;
    }
    if chosen.contains(&What::Readers) {
        readers::measure(arguments, &mut figures).await?;
    }
    if chosen.contains(&What::Pods) {
        soon::measure(arguments, &mut figures).await?;
    }
    if chosen.contains(&What::Rest) {
        rest::few(arguments, &mut figures).await?;
    }
    if chosen.contains(&What::Many) {
        rest::many(arguments, &mut figures).await?;
    }
    figures.print();
    if arguments.what.is_empty() {
        figures.write(&arguments.results.join("operator.json"))?;
    }
    Ok(figures)
}
