//! `ambient credential`: what git and gh in the agent's container ask the runner with.

use std::{
    collections::BTreeMap,
    env,
    ffi::{OsStr, OsString},
    io::{self, BufRead, BufReader, Read, Write},
    os::unix::{net::UnixStream, process::CommandExt},
    path::Path,
    process::{Command, ExitCode},
    time::Duration,
};

use clap::Subcommand;

use crate::runner::credentials::{
    Kind,
    wire::{KEY, Question, Reply, SOCKET, WRAPPERS},
};

/// Longer than the runner takes at most.
const ANSWER_WITHIN: Duration = Duration::from_secs(40);
/// What git says of a credential is short.
const MAX_INPUT: u64 = 64 * 1024;

/// Ask the runner for the credential of the person whose run is going (git and gh of an agent call this).
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Git's credential protocol: a description of the host on stdin, user name and password on stdout.
    Get,
    /// Git's credential protocol: nothing is stored.
    Store,
    /// Git's credential protocol: the host has refused this password; the next `get` fetches another.
    Erase,
    /// Run the GitHub CLI with the token in its environment alone.
    Gh {
        /// The arguments of `gh`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<OsString>,
    },
}

pub(super) fn main(args: &Args) -> ExitCode {
    match &args.verb {
        Verb::Get => get(),
        Verb::Store => ExitCode::SUCCESS,
        Verb::Erase => erase(),
        Verb::Gh { args } => gh(args),
    }
}

fn get() -> ExitCode {
    let description = description();
    let Some(host) = host(&description) else {
        return ExitCode::SUCCESS;
    };
    let reply = ask(host, None).unwrap_or_else(|error| unheard(&error));
    let mut out = io::stdout().lock();
    // Git that has gone away needs no answer.
    let _ = write!(out, "{}", answer(&reply));
    complain(&reply);
    ExitCode::SUCCESS
}

fn erase() -> ExitCode {
    let description = description();
    if let (Some(host), Some(password)) = (host(&description), description.get("password")) {
        // Whoever cannot be told gives out the old one until it ends.
        let _ = ask(host, Some(password.clone()));
    }
    ExitCode::SUCCESS
}

/// Becomes the GitHub CLI; it says itself what it cannot do without a token.
fn gh(args: &[OsString]) -> ExitCode {
    let reply = ask(Kind::Github.host(), None).unwrap_or_else(|error| unheard(&error));
    complain(&reply);
    let path = path_without(env::var_os("PATH").as_deref(), env::var_os(WRAPPERS).as_deref());
    let Some(program) = find("gh", &path) else {
        eprintln!("ambient: the GitHub CLI is not installed here");
        return ExitCode::from(127);
    };
    let mut command = Command::new(program);
    command.args(args).env("PATH", path);
    if let Some(token) = reply.password {
        command.env("GH_TOKEN", token);
    }
    let error = command.exec();
    eprintln!("ambient: gh cannot be started: {error}");
    ExitCode::from(126)
}

/// What git says of the credential, a `name=value` a line.
fn description() -> BTreeMap<String, String> {
    let lines = io::stdin().lock().take(MAX_INPUT).lines().map_while(Result::ok).take_while(|line| !line.is_empty());
    lines.filter_map(|line| line.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()))).collect()
}

/// The host, when it is spoken to over TLS: a token goes nowhere in the clear.
fn host(description: &BTreeMap<String, String>) -> Option<&str> {
    let is_safe = description.get("protocol").is_some_and(|protocol| protocol == "https");
    description.get("host").filter(|_| is_safe).map(String::as_str)
}

fn ask(host: &str, refused: Option<String>) -> io::Result<Reply> {
    let (Some(socket), Ok(key)) = (env::var_os(SOCKET), env::var(KEY)) else {
        return Ok(Reply::default());
    };
    let mut stream = UnixStream::connect(Path::new(&socket))?;
    stream.set_read_timeout(Some(ANSWER_WITHIN))?;
    stream.set_write_timeout(Some(ANSWER_WITHIN))?;
    let mut question = serde_json::to_vec(&Question { key, host: host.to_owned(), refused })?;
    question.push(b'\n');
    stream.write_all(&question)?;
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line)?;
    Ok(serde_json::from_str(&line)?)
}

fn unheard(error: &io::Error) -> Reply {
    let error = format!("the runner cannot be asked for credentials ({error}); try again in a moment");
    Reply { error: Some(error), ..Reply::default() }
}

/// The answer in git's words; a failure makes it stop instead of asking a person who is not there.
fn answer(reply: &Reply) -> String {
    match (&reply.username, &reply.password) {
        (Some(username), Some(password)) => {
            let expires = reply.expires.map(|at| format!("password_expiry_utc={at}\n")).unwrap_or_default();
            format!("username={username}\npassword={password}\n{expires}")
        }
        _ if reply.error.is_some() => "quit=1\n".to_owned(),
        _ => String::new(),
    }
}

fn complain(reply: &Reply) {
    if let Some(error) = &reply.error {
        eprintln!("ambient: {error}");
    }
}

fn path_without(path: Option<&OsStr>, wrappers: Option<&OsStr>) -> OsString {
    let folders = env::split_paths(path.unwrap_or_default()).filter(|folder| Some(folder.as_os_str()) != wrappers);
    // What was split can be joined.
    env::join_paths(folders).unwrap_or_default()
}

fn find(name: &str, path: &OsStr) -> Option<std::path::PathBuf> {
    env::split_paths(path).map(|folder| folder.join(name)).find(|program| program.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_asked_for_tls_only() {
        let said = |protocol: &str| {
            BTreeMap::from([("protocol", protocol), ("host", "github.com")].map(|(k, v)| (k.to_owned(), v.to_owned())))
        };
        assert_eq!(host(&said("https")), Some("github.com"));
        assert_eq!(host(&said("http")), None);
    }

    #[test]
    fn git_hears_the_credential_or_stops_or_goes_on() {
        let found = Reply { username: Some("u".into()), password: Some("p".into()), expires: Some(7), error: None };
        assert_eq!(answer(&found), "username=u\npassword=p\npassword_expiry_utc=7\n");
        assert_eq!(answer(&unheard(&io::Error::other("x"))), "quit=1\n");
        assert_eq!(answer(&Reply::default()), "");
    }

    #[test]
    fn the_wrappers_are_not_found_again() {
        let path = path_without(Some(OsStr::new("/run/w:/bin:/usr/bin")), Some(OsStr::new("/run/w")));
        assert_eq!(path, "/bin:/usr/bin");
    }
}
