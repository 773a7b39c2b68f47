//! What a failed git command means: pure, from its stderr.

use super::credentials::Credentials;
use super::url::RepoUrl;
use crate::security::Secret;

/// What went wrong with a remote, by what helps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// The repository does not exist, or whoever asks may not know that it does. Hosts answer both alike.
    NoAccess,
    /// ssh does not know the host's key.
    HostKey,
    /// The server's certificate is not trusted.
    Certificate,
    /// The disk is full.
    DiskFull,
    /// The server or the network does not answer (now).
    Unreachable,
    /// git did not end within its deadline.
    Deadline,
    /// git is not installed, or could not be started.
    NoGit,
    /// Something else; git's own words are all we know.
    Other,
}

impl Cause {
    /// Whether the same command may succeed later with nobody doing anything.
    #[must_use]
    pub fn is_transient(self) -> bool {
        match self {
            Self::Unreachable => true,
            Self::NoAccess
            | Self::HostKey
            | Self::Certificate
            | Self::DiskFull
            | Self::Deadline
            | Self::NoGit
            | Self::Other => false,
        }
    }

    /// What it means, after "repository web (URL): ".
    fn meaning(self) -> &'static str {
        match self {
            Self::NoAccess => "not found or no access",
            Self::HostKey => "ssh does not know the host's key",
            Self::Certificate => "the server's certificate is not trusted",
            Self::DiskFull => "the disk is full",
            Self::Unreachable => "the server cannot be reached",
            Self::Deadline => "the clone took too long",
            Self::NoGit => "git could not be started",
            Self::Other => "git failed",
        }
    }

    fn remedy(self, field: &str, url: &RepoUrl, credentials: &Credentials) -> String {
        match self {
            Self::NoAccess if url.may_carry_secret() => {
                format!("Check {field}.url, or {}.", credentials.remedy(url.authority()))
            }
            Self::NoAccess => {
                format!("Check {field}.url, and that the ssh key in use may read it.")
            }
            Self::HostKey => format!("Add the key of {} to known_hosts.", url.host()),
            Self::Certificate => "Add its certificate authority: SSL_CERT_FILE, or the trusted CA bundle.".to_owned(),
            Self::DiskFull => "Free some space or enlarge the workspace's volume.".to_owned(),
            Self::Unreachable => {
                format!("Check the host in {field}.url and the network, then try again.")
            }
            Self::Deadline => "Raise the limit, or clone from a nearer mirror.".to_owned(),
            Self::NoGit => "Install git and see that it is on PATH.".to_owned(),
            Self::Other => format!("Check {field}."),
        }
    }
}

/// In the order in which they are looked for: the more telling ones first.
const SIGNS: [(&str, Cause); 36] = [
    ("no space left on device", Cause::DiskFull),
    ("disk quota exceeded", Cause::DiskFull),
    ("host key verification failed", Cause::HostKey),
    ("ssl certificate problem", Cause::Certificate),
    ("server certificate verification failed", Cause::Certificate),
    ("authentication failed", Cause::NoAccess),
    ("could not read username", Cause::NoAccess),
    ("could not read password", Cause::NoAccess),
    ("unable to read askpass response", Cause::NoAccess),
    ("invalid credentials", Cause::NoAccess),
    ("access denied", Cause::NoAccess),
    ("permission denied", Cause::NoAccess),
    ("returned error: 401", Cause::NoAccess),
    ("returned error: 403", Cause::NoAccess),
    ("could not resolve host", Cause::Unreachable),
    ("temporary failure in name resolution", Cause::Unreachable),
    ("connection refused", Cause::Unreachable),
    ("connection reset", Cause::Unreachable),
    ("connection timed out", Cause::Unreachable),
    ("operation timed out", Cause::Unreachable),
    ("failed to connect", Cause::Unreachable),
    ("couldn't connect", Cause::Unreachable),
    ("network is unreachable", Cause::Unreachable),
    ("no route to host", Cause::Unreachable),
    ("operation too slow", Cause::Unreachable),
    ("empty reply from server", Cause::Unreachable),
    ("early eof", Cause::Unreachable),
    ("the remote end hung up", Cause::Unreachable),
    ("rpc failed", Cause::Unreachable),
    ("returned error: 5", Cause::Unreachable),
    ("returned error: 429", Cause::Unreachable),
    ("not found", Cause::NoAccess),
    ("does not exist", Cause::NoAccess),
    ("does not appear to be a git repository", Cause::NoAccess),
    ("not a git repository", Cause::NoAccess),
    ("could not read from remote repository", Cause::NoAccess),
];

/// Reads the cause out of git's last lines, and the line that tells it.
#[must_use]
pub fn diagnose(stderr: &[String]) -> (Cause, &str) {
    let lowered: Vec<String> = stderr.iter().map(|line| line.to_lowercase()).collect();
    let position = |sign: &str| lowered.iter().position(|line| line.contains(sign));
    let found = SIGNS.iter().find_map(|(sign, cause)| Some((*cause, position(sign)?)));
    match found {
        Some((cause, line)) => (cause, &stderr[line]),
        None => (Cause::Other, first_complaint(stderr)),
    }
}

fn first_complaint(stderr: &[String]) -> &str {
    let complains = |line: &&String| line.starts_with("fatal: ") || line.starts_with("error: ");
    let line = stderr.iter().find(complains).or(stderr.last());
    line.map_or("no message", String::as_str)
}

/// A line for a person to read: without git's prefix, what a terminal could obey, or the secret.
pub(super) fn readable(line: &str, secret: Option<&Secret>) -> String {
    let prefixes = ["remote: ", "fatal: ", "error: "];
    let line = prefixes.iter().fold(line, |line, prefix| line.strip_prefix(prefix).unwrap_or(line));
    let line: String = line.chars().filter(|c| !c.is_control()).take(300).collect();
    match secret.map(Secret::expose) {
        Some(secret) if !secret.is_empty() => line.replace(secret, "***"),
        _ => line,
    }
}

/// One repository that could not be set up. Its message is a sentence with the remedy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("repository {name} ({url}): {} ({detail}). {remedy}", .cause.meaning())]
pub struct RepoFailure {
    /// The repository's name.
    pub name: String,
    /// Its URL, without password or token.
    pub url: String,
    /// What kind of failure it is.
    pub cause: Cause,
    /// git's own words.
    pub detail: String,
    /// What to do.
    pub remedy: String,
}

/// What is known of a repository when something goes wrong with it.
pub(super) struct Subject<'a> {
    pub(super) name: &'a str,
    /// For example `spec.repos[0]`.
    pub(super) field: &'a str,
    pub(super) url: &'a RepoUrl,
    pub(super) credentials: &'a Credentials,
    pub(super) secret: Option<&'a Secret>,
}

impl Subject<'_> {
    pub(super) fn git_said(&self, stderr: &[String]) -> RepoFailure {
        let (cause, line) = diagnose(stderr);
        self.failed(cause, format!("git: {:?}", readable(line, self.secret)))
    }

    pub(super) fn failed(&self, cause: Cause, detail: String) -> RepoFailure {
        RepoFailure {
            name: self.name.to_owned(),
            url: self.url.to_string(),
            cause,
            detail,
            remedy: cause.remedy(self.field, self.url, self.credentials),
        }
    }
}
