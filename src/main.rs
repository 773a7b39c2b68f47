//! The `ambient` binary: parse arguments, dispatch to a verb, map the result to an exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    ambient::cli::main()
}
