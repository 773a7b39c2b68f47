//! `ambient init`: a commented manifest to start from.

use std::{
    fs::OpenOptions,
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
};

const TEMPLATE: &str = include_str!("init.yaml");

/// Write a commented manifest to start from. An existing file is left alone.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  ambient init my-session.yaml && ambient run my-session.yaml")]
pub(super) struct Args {
    /// Where to write it; `-` prints it.
    #[arg(default_value = "session.yaml")]
    file: PathBuf,
    /// The session's name.
    #[arg(long, default_value = "my-session", value_parser = session_name)]
    name: String,
}

fn session_name(text: &str) -> Result<String, String> {
    let ok = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let edges = |c: Option<char>| c.is_some_and(|c| c != '-');
    if text.len() <= 63 && text.chars().all(ok) && edges(text.chars().next()) && edges(text.chars().last()) {
        Ok(text.to_owned())
    } else {
        Err("expected a Kubernetes name: at most 63 of a-z, 0-9 and -, not at an end".to_owned())
    }
}

pub(super) fn main(args: &Args) -> ExitCode {
    let text = TEMPLATE.replace("my-session", &args.name);
    match write(args, &text) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => super::fail(&WriteError { file: args.file.display().to_string(), error }, 2),
    }
}

#[derive(Debug, thiserror::Error)]
#[error("cannot write {file}: {error}; name another file, e.g. `ambient init other.yaml`")]
struct WriteError {
    file: String,
    error: io::Error,
}

fn write(args: &Args, text: &str) -> io::Result<()> {
    if args.file.as_os_str() == "-" {
        return io::stdout().write_all(text.as_bytes());
    }
    let mut file = OpenOptions::new().write(true).create_new(true).open(&args.file)?;
    file.write_all(text.as_bytes())?;
    anstream::eprintln!("wrote {0}; next: ambient run {0}", args.file.display());
    Ok(())
}
