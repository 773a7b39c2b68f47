//! The command line: one file per verb.

pub mod agent;
pub mod crds;

use std::process::ExitCode;

/// Parses the arguments, runs the verb, and maps its result to an exit code.
#[must_use]
pub fn main() -> ExitCode {
    ExitCode::SUCCESS
}
