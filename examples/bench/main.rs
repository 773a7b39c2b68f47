//! Measures the runner: what it costs beside the agent that it drives.
//!
//! `make bench` builds the release binaries and runs this; `hack/bench.sh start deltas` runs some of the measurements. The
//! agent is `fake_claude`, which writes as fast as a pipe takes it; one figure uses the real CLI. What is measured and how is
//! described in `docs/benchmarks.md`.

mod client;
mod credentials;
mod deltas;
mod figures;
mod frames;
mod latency;
mod place;
mod process;
mod readers;
mod real;
mod routes;
mod runner;
mod start;
mod stats;
mod turns;

use std::{error::Error, path::PathBuf, process::ExitCode};

use clap::{Parser, ValueEnum};
use figures::Figures;
use place::Place;

/// What a measurement comes back with.
pub(crate) type Result<T, E = Box<dyn Error + Send + Sync>> = std::result::Result<T, E>;

/// Measures the runner.
#[derive(Parser)]
struct Arguments {
    /// What to measure; nothing: everything
    what: Vec<What>,
    /// Where the binaries of a release build are
    #[arg(long, default_value = "target/release")]
    binaries: PathBuf,
    /// The real agent CLI
    #[arg(long, env = "AMBIENT_AGENT_COMMAND", default_value = "target/tools/bin/claude")]
    claude: PathBuf,
    /// Where data and results go
    #[arg(long, default_value = "target/bench")]
    results: PathBuf,
}

#[derive(Clone, Copy, ValueEnum)]
enum What {
    Start,
    Turns,
    Deltas,
    Real,
    Readers,
    Latency,
    Routes,
    Credentials,
}

fn main() -> ExitCode {
    match measure(&Arguments::parse()) {
        Ok(figures) if figures.far_off() => ExitCode::FAILURE,
        Ok(_) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(3)
        }
    }
}

fn measure(arguments: &Arguments) -> Result<Figures> {
    let place = Place::new(&arguments.binaries, &arguments.claude, &arguments.results)?;
    let all = What::value_variants();
    let chosen = if arguments.what.is_empty() { all } else { &arguments.what };
    if let Some(load) = process::load() {
        eprintln!("load average before: {load} (an idle machine gives the figures that count)");
    }
    let mut figures = Figures::default();
    for what in chosen {
        match what {
            What::Start => start::measure(&place, &mut figures)?,
            What::Turns => turns::measure(&place, &mut figures)?,
            What::Deltas => deltas::measure(&place, &mut figures)?,
            What::Real => real::measure(&place, &mut figures)?,
            What::Readers => readers::measure(&place, &mut figures)?,
            What::Latency => latency::measure(&place, &mut figures)?,
            What::Routes => routes::measure(&place, &mut figures)?,
            What::Credentials => credentials::measure(&place, &mut figures)?,
        }
    }
    figures.print();
    if arguments.what.is_empty() {
        figures.write(&arguments.results.join("results.json"))?;
    }
    Ok(figures)
}
