//! `ambient credential`: what git and other programs in the agent's container ask the runner with.

mod exec;
mod file;

use std::{
    collections::BTreeMap,
    env,
    ffi::OsString,
    io::{self, BufRead, BufReader, Read, Write},
    os::unix::net::UnixStream,
    path::Path,
    process::ExitCode,
    time::Duration,
};

use clap::Subcommand;

use crate::runner::credentials::wire::{KEY, Question, Reply, SOCKET};

/// Longer than the runner takes at most.
const ANSWER_WITHIN: Duration = Duration::from_secs(40);
/// What git says of a credential is short.
const MAX_INPUT: u64 = 64 * 1024;

/// Ask the runner for the credential of the person whose run is going (an agent's git, gh, kubectl and MCP servers call this).
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
    /// Run a program with a credential in its environment alone; what is set there already stays.
    Exec {
        /// github, gitlab, jira, google, coderabbit, kubeconfig; or git: who commits.
        credential: String,
        /// The program and its arguments.
        #[arg(last = true, required = true)]
        command: Vec<OsString>,
    },
}

pub(super) fn main(args: &Args) -> ExitCode {
    match &args.verb {
        Verb::Get => get(),
        Verb::Store => ExitCode::SUCCESS,
        Verb::Erase => erase(),
        Verb::Exec { credential, command } => exec::exec(credential, command),
    }
}

fn get() -> ExitCode {
    let description = description();
    let Some(host) = host(&description) else {
        return ExitCode::SUCCESS;
    };
    let reply = ask(of(host)).unwrap_or_else(|error| unheard(&error));
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
        let _ = ask(Question { refused: Some(password.clone()), ..of(host) });
    }
    ExitCode::SUCCESS
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

fn of(host: &str) -> Question {
    Question { host: host.to_owned(), ..Question::default() }
}

fn ask(question: Question) -> io::Result<Reply> {
    let (Some(socket), Ok(key)) = (env::var_os(SOCKET), env::var(KEY)) else {
        return Ok(Reply::default());
    };
    let mut stream = UnixStream::connect(Path::new(&socket))?;
    stream.set_read_timeout(Some(ANSWER_WITHIN))?;
    stream.set_write_timeout(Some(ANSWER_WITHIN))?;
    let mut question = serde_json::to_vec(&Question { key, ..question })?;
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
        let found =
            Reply { username: Some("u".into()), password: Some("p".into()), expires: Some(7), ..Reply::default() };
        assert_eq!(answer(&found), "username=u\npassword=p\npassword_expiry_utc=7\n");
        assert_eq!(answer(&unheard(&io::Error::other("x"))), "quit=1\n");
        assert_eq!(answer(&Reply::default()), "");
    }
}
