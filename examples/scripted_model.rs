//! A stand-in for the Anthropic Messages API, for demonstrations, tests and benchmarks without a provider.
//!
//! `cargo run --example scripted_model -- --script examples/scripts/hello.yaml` prints where it listens; clients are
//! pointed at it with `ANTHROPIC_BASE_URL`. The script's form is documented in `examples/scripts/README.md`.

#[allow(dead_code, reason = "tests use the rest")]
#[path = "scripted_model/mod.rs"]
mod scripted_model;

use std::{error::Error, fs, io::Write, net::SocketAddr, path::PathBuf};

use axum::serve::ListenerExt;
use clap::Parser;
use tokio::net::TcpListener;

use scripted_model::server::{self, Model};

/// Answers Anthropic Messages requests from a script.
#[derive(Parser)]
struct Arguments {
    /// The script (YAML)
    #[arg(long)]
    script: PathBuf,
    /// Where to listen; port 0 takes a free one
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Appends what was asked to this file, as JSON lines without the vendor's prompt text
    #[arg(long)]
    record: Option<PathBuf>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse();
    let script =
        fs::read_to_string(&arguments.script).map_err(|error| format!("{}: {error}", arguments.script.display()))?;
    let record = arguments.record.map(|path| fs::File::options().create(true).append(true).open(path)).transpose()?;
    let model = Model::new(&script, server::logging(record))
        .map_err(|error| format!("{}: {error}", arguments.script.display()))?;
    let listener = TcpListener::bind(arguments.listen).await?;
    writeln!(std::io::stdout(), "listening on http://{}", listener.local_addr()?)?;
    axum::serve(listener.tap_io(|connection| connection.set_nodelay(true).unwrap_or_default()), model.router()).await?;
    Ok(())
}
