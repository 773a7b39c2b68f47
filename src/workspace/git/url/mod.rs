//! Clone URLs: what is accepted, and what of one may reach git, an error or a remote.
//!
//! A URL comes from a manifest or a request. Only `https://`, `ssh://` and `git@host:path` pass (two more by policy), so that no
//! transport helper (`ext::`) and no option can be smuggled in, and what it carries before the `@` is taken out: a
//! token belongs in a credential, never in a remote.

mod parse;

use std::fmt;

use super::credentials::Credential;

pub use parse::parse;

/// The longest URL in bytes.
const MAX_URL: usize = 2048;

/// Transports beyond https and ssh.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct UrlPolicy {
    /// Plain `http://`: readable and changeable on its way. Credentials go over it to loopback addresses only.
    pub http: bool,
    /// `file://`: reads any repository of the machine that we run on.
    pub file: bool,
}

impl UrlPolicy {
    /// The value of `GIT_ALLOW_PROTOCOL`.
    pub(super) fn protocols(self) -> String {
        let http = if self.http { ":http" } else { "" };
        let file = if self.file { ":file" } else { "" };
        format!("https:ssh{http}{file}")
    }
}

/// How git reaches the repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// `https://`
    Https,
    /// `http://`
    Http,
    /// `ssh://` or `user@host:path`
    Ssh,
    /// `file://`
    File,
}

/// A clone URL that is safe to hand to git and to show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RepoUrl {
    transport: Transport,
    text: String,
    authority: String,
    name: String,
}

impl RepoUrl {
    /// How git reaches it.
    #[must_use]
    pub fn transport(&self) -> Transport {
        self.transport
    }

    /// The URL without password or token; for ssh the user name is part of it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// `host` or `host:port` in lower case; empty for `file://`.
    #[must_use]
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// The host in lower case, without its port.
    #[must_use]
    pub fn host(&self) -> &str {
        match self.authority.rsplit_once(':') {
            Some((host, port)) if port.bytes().all(|b| b.is_ascii_digit()) => host,
            _ => &self.authority,
        }
    }

    /// The last part of the path without `.git`: the directory git itself would choose.
    #[must_use]
    pub fn repository(&self) -> &str {
        &self.name
    }

    /// Whether a password or token may be sent: never over a connection that anybody can read.
    #[must_use]
    pub fn may_carry_secret(&self) -> bool {
        match self.transport {
            Transport::Https => true,
            Transport::Http => matches!(self.host(), "localhost" | "127.0.0.1" | "[::1]"),
            Transport::Ssh | Transport::File => false,
        }
    }
}

impl fmt::Display for RepoUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// A URL and what stood before its `@`.
#[derive(Debug, Clone)]
pub struct ParsedUrl {
    /// Safe to show.
    pub url: RepoUrl,
    /// The user name of an http(s) URL, decoded.
    pub user: Option<String>,
    /// User name and password of an http(s) URL, decoded.
    pub credential: Option<Credential>,
}

/// Why a URL is refused. The user must act; no message repeats a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// Not one of the accepted forms.
    #[error(
        "expected an https://, ssh:// or git@ URL, found {found:?}; write the full clone URL, e.g. https://git.example/web.git"
    )]
    Form {
        /// The text without what stands before an `@`.
        found: String,
    },
    /// A transport that the policy does not allow.
    #[error("{scheme} URLs are not allowed here; use https:// or ssh://")]
    NotAllowed {
        /// `http://` or `file://`.
        scheme: &'static str,
    },
    /// A host, port, user or path that git could misread.
    #[error("the {part} of {found:?} is not valid; write a plain clone URL, e.g. https://git.example/web.git")]
    Part {
        /// Which part.
        part: &'static str,
        /// The text without what stands before an `@`.
        found: String,
    },
    /// Over the limit.
    #[error("the URL is {0} bytes long, at most {MAX_URL} are possible")]
    TooLong(usize),
}

/// The text without anything that could be a user name, password or token, and without a query.
#[must_use]
pub fn without_userinfo(text: &str) -> String {
    // A password may hold a `?` and even a `/`: what comes before the last `@` goes before anything else is read.
    let (scheme, rest) = match text.rsplit_once('@') {
        Some((userinfo, rest)) => (scheme(userinfo), rest),
        None => ("", text),
    };
    let end = rest.find(['?', '#']).unwrap_or(rest.len());
    format!("{scheme}{}", &rest[..end])
}

/// The scheme that the text begins with, `://` included; empty when it begins with something else.
fn scheme(text: &str) -> &str {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.');
    match text.find("://") {
        Some(end) if text[..end].bytes().all(allowed) => &text[..end + "://".len()],
        Some(_) | None => "",
    }
}
