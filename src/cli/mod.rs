//! The command line: one file per verb.

pub mod agent;
mod assemble;
mod completions;
pub mod crds;
mod credential;
mod events;
mod gateway;
mod hydrate;
mod init;
mod logging;
mod operator;
mod probe;
mod run;
mod runner;
mod session_trigger;
mod stop;
mod workspace;

use std::{process::ExitCode, sync::Arc};

use clap::{CommandFactory, Parser, Subcommand};

use crate::security::Redactor;

/// Coding agents as Kubernetes objects, from a laptop to a cluster.
///
/// An AgenticSession is a workspace with an agent in it; a Run is one turn of work. `ambient run` does on this machine,
/// with no cluster, what the operator does in one: same manifests, same checks, same event log, same status.
#[derive(Debug, Parser)]
#[command(name = "ambient", version, propagate_version = true, after_help = EXAMPLES)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

const EXAMPLES: &str = "\
Examples:
  ambient init my-session.yaml             write a commented manifest to start from
  ambient run my-session.yaml              run it here, with the agent CLI on PATH
  ambient run --dir .ambient/my-session -m \"and now the docs\"
                                           go on with the conversation
  ambient run my-session.yaml --cluster    the same in a cluster that has the operator
  ambient crds | kubectl apply -f -        install the resource types in a cluster";

#[derive(Debug, Subcommand)]
#[allow(clippy::large_enum_variant, reason = "made once, for the life of the process")]
enum Verb {
    /// Run AgenticSession and Run manifests on this machine, or in a cluster.
    Run(run::Args),
    /// Follow the events of a session or of a Run in a cluster.
    Events(events::Args),
    /// Write a commented manifest to start from.
    Init(init::Args),
    /// Serve one session's agent over AG-UI (the main container of a session's pod).
    Runner(runner::Args),
    /// Reconcile sessions and Runs in a cluster
    Operator(operator::Args),
    /// Start a session of a schedule (what the platform's cron jobs run)
    SessionTrigger(session_trigger::Args),
    /// Set up a session's workspace (the init container of its pod)
    Hydrate(hydrate::Args),
    /// Start agents on request over a unix socket (the agent container of a session's pod).
    Agent(agent::Args),
    #[command(hide = true)]
    Credential(credential::Args),
    /// Print the CustomResourceDefinitions as YAML.
    Crds,
    /// Print a completion script for a shell.
    Completions(completions::Args),
    /// Print the manual page.
    Man,
}

/// Parses the arguments, runs the verb, and maps its result to an exit code.
#[must_use]
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    match cli.verb {
        Verb::Run(args) => run::main(args),
        Verb::Events(args) => events::main(&args),
        Verb::Init(args) => init::main(&args),
        Verb::Runner(args) => runner::main(args),
        Verb::Operator(args) => operator::main(&args),
        Verb::SessionTrigger(args) => session_trigger::main(&args),
        Verb::Hydrate(args) => hydrate::main(&args),
        Verb::Agent(args) => supervise(args),
        Verb::Credential(args) => credential::main(&args),
        Verb::Crds => finish(crds::run(&mut std::io::stdout())),
        Verb::Completions(args) => completions::main(&args, &mut Cli::command()),
        Verb::Man => completions::man(Cli::command()),
    }
}

fn finish(result: std::io::Result<()>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error, 1),
    }
}

/// `ambient agent` holds no key, so there is nothing that its log lines would have to leave out but known token forms.
fn supervise(args: agent::Args) -> ExitCode {
    logging::start("info", false, Arc::new(Redactor::new([])));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let result = runtime.map_err(agent::AgentError::Io).and_then(|runtime| runtime.block_on(agent::run(args)));
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error, 1),
    }
}

/// Says what went wrong, on stderr, in one place and one form.
fn fail(error: &dyn std::error::Error, code: u8) -> ExitCode {
    anstream::eprintln!("{}error:{} {error}", style::ERROR.render(), style::ERROR.render_reset());
    ExitCode::from(code)
}

/// The colours of messages; `anstream` leaves them out where stderr is not a terminal.
mod style {
    use anstyle::{AnsiColor, Style};

    pub(super) const ERROR: Style = AnsiColor::Red.on_default().bold();
}
