//! `ambient completions` and `ambient man`.

use std::{io, process::ExitCode};

use clap::Command;
use clap_complete::Shell;

/// Print a completion script for a shell.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  ambient completions bash > /etc/bash_completion.d/ambient")]
pub(super) struct Args {
    /// The shell.
    shell: Shell,
}

pub(super) fn main(args: &Args, command: &mut Command) -> ExitCode {
    clap_complete::generate(args.shell, command, "ambient", &mut io::stdout());
    ExitCode::SUCCESS
}

/// Prints the manual page of the command and, after it, those of its verbs.
pub(super) fn man(mut command: Command) -> ExitCode {
    command.build();
    let verbs: Vec<Command> = command.get_subcommands().filter(|verb| verb.get_name() != "help").cloned().collect();
    let pages = std::iter::once(command).chain(verbs);
    match pages.into_iter().try_for_each(|page| clap_mangen::Man::new(page).render(&mut io::stdout())) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => super::fail(&error, 1),
    }
}
