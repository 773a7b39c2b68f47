//! Clone URLs: what is accepted, and what of one may reach git, an error or a remote.
//!
//! A URL comes from a manifest or a request. Only `https://`, `ssh://` and `git@host:path` pass (two more by policy), so that no
//! transport helper (`ext::`) and no option can be smuggled in, and what it carries before the `@` is taken out: a
//! token belongs in a credential, never in a remote.

use std::fmt;

use super::credentials::{Credential, Secret};

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
    #[error(
        "the {part} of {found:?} is not valid; write a plain clone URL, e.g. https://git.example/web.git"
    )]
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

/// Reads a clone URL.
pub fn parse(text: &str, policy: UrlPolicy) -> Result<ParsedUrl, UrlError> {
    if text.len() > MAX_URL {
        return Err(UrlError::TooLong(text.len()));
    }
    let clean = |c: char| !c.is_control() && !c.is_whitespace() && !matches!(c, '"' | '\\' | '`');
    if !text.chars().all(clean) {
        return Err(part("text", text));
    }
    let refused = |scheme| Err(UrlError::NotAllowed { scheme });
    match text.split_once("://") {
        Some(("https", rest)) => http(Transport::Https, text, rest),
        Some(("http", rest)) if policy.http => http(Transport::Http, text, rest),
        Some(("http", _)) => refused("http://"),
        Some(("ssh", rest)) => ssh(text, rest),
        Some(("file", rest)) if policy.file => file(text, rest),
        Some(("file", _)) => refused("file://"),
        Some(_) => Err(form(text)),
        None => scp(text),
    }
}

fn http(transport: Transport, text: &str, rest: &str) -> Result<ParsedUrl, UrlError> {
    let (userinfo, authority, path) = split(rest);
    let authority = checked_authority(authority).ok_or_else(|| part("host", text))?;
    let name = repository(path).ok_or_else(|| part("path", text))?;
    let scheme = match transport {
        Transport::Http => "http",
        _ => "https",
    };
    let url = RepoUrl {
        transport,
        text: format!("{scheme}://{authority}/{path}"),
        authority,
        name,
    };
    let (user, password) = match userinfo.map(|info| info.split_once(':').unwrap_or((info, ""))) {
        Some((user, password)) => (decode(user), decode(password)),
        None => (Some(String::new()), Some(String::new())),
    };
    let user = user.ok_or_else(|| part("user name", text))?;
    let password = password.ok_or_else(|| part("password", text))?;
    let credential = (!password.is_empty()).then(|| Credential {
        username: user.clone(),
        secret: Secret::new(password),
    });
    let user = (!user.is_empty()).then_some(user);
    Ok(ParsedUrl {
        url,
        user,
        credential,
    })
}

fn ssh(text: &str, rest: &str) -> Result<ParsedUrl, UrlError> {
    let (userinfo, authority, path) = split(rest);
    let user = checked_user(userinfo).ok_or_else(|| part("user name", text))?;
    let authority = checked_authority(authority).ok_or_else(|| part("host", text))?;
    let name = repository(path).ok_or_else(|| part("path", text))?;
    Ok(plain(
        Transport::Ssh,
        format!("ssh://{user}{authority}/{path}"),
        authority,
        name,
    ))
}

/// `git@host:path`. The user is required: `host:path` could as well be a mistyped path.
fn scp(text: &str) -> Result<ParsedUrl, UrlError> {
    let (place, path) = text.split_once(':').ok_or_else(|| form(text))?;
    let (user, host) = place.split_once('@').ok_or_else(|| form(text))?;
    let user = checked_user(Some(user)).ok_or_else(|| part("user name", text))?;
    let authority = checked_authority(host).ok_or_else(|| part("host", text))?;
    if path.starts_with('-') || path.contains(':') {
        return Err(part("path", text));
    }
    let name = repository(path).ok_or_else(|| part("path", text))?;
    Ok(plain(
        Transport::Ssh,
        format!("{user}{authority}:{path}"),
        authority,
        name,
    ))
}

fn file(text: &str, path: &str) -> Result<ParsedUrl, UrlError> {
    if !path.starts_with('/') {
        return Err(part("path", text));
    }
    let name = repository(path).ok_or_else(|| part("path", text))?;
    Ok(plain(
        Transport::File,
        format!("file://{path}"),
        String::new(),
        name,
    ))
}

fn plain(transport: Transport, text: String, authority: String, name: String) -> ParsedUrl {
    ParsedUrl {
        url: RepoUrl {
            transport,
            text,
            authority,
            name,
        },
        user: None,
        credential: None,
    }
}

/// Userinfo, host with port, and path of what follows `://`.
fn split(rest: &str) -> (Option<&str>, &str, &str) {
    let (place, path) = rest.split_once('/').unwrap_or((rest, ""));
    match place.rsplit_once('@') {
        Some((userinfo, authority)) => (Some(userinfo), authority, path),
        None => (None, place, path),
    }
}

fn checked_authority(text: &str) -> Option<String> {
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        _ => (text, None),
    };
    let port_is_valid = port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port > 0));
    (is_host(host) && port_is_valid).then(|| text.to_ascii_lowercase())
}

fn is_host(host: &str) -> bool {
    let name = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_');
    let address = |b: u8| b.is_ascii_hexdigit() || matches!(b, b':' | b'.');
    match host
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
    {
        Some(inner) => !inner.is_empty() && inner.bytes().all(address),
        None => !host.is_empty() && !host.starts_with('-') && host.bytes().all(name),
    }
}

/// The user part of an ssh URL with its `@`; a password there would be ignored by ssh and shown by git.
fn checked_user(user: Option<&str>) -> Option<String> {
    let Some(user) = user else {
        return Some(String::new());
    };
    let valid = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_' | b'+');
    (!user.is_empty() && !user.starts_with('-') && user.bytes().all(valid))
        .then(|| format!("{user}@"))
}

fn repository(path: &str) -> Option<String> {
    if path.contains(['?', '#', '@']) {
        return None;
    }
    let last = path.trim_end_matches('/').rsplit('/').next()?;
    let name = last.strip_suffix(".git").unwrap_or(last);
    (!name.is_empty()).then(|| name.to_owned())
}

/// Percent-decoding, as git does it before it uses a user name or password.
fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => hex(rest.next()?)? << 4 | hex(rest.next()?)?,
            other => other,
        });
    }
    let text = String::from_utf8(bytes).ok()?;
    (!text.chars().any(char::is_control)).then_some(text)
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit)
        .to_digit(16)
        .and_then(|value| u8::try_from(value).ok())
}

fn form(text: &str) -> UrlError {
    UrlError::Form {
        found: without_userinfo(text),
    }
}

fn part(part: &'static str, text: &str) -> UrlError {
    UrlError::Part {
        part,
        found: without_userinfo(text),
    }
}

/// The text without anything that could be a user name, password or token, and without a query.
#[must_use]
pub fn without_userinfo(text: &str) -> String {
    let end = text.find(['?', '#']).unwrap_or(text.len());
    let text = &text[..end];
    let Some(at) = text.rfind('@') else {
        return text.to_owned();
    };
    let start = text.find("://").map_or(0, |scheme| scheme + 3);
    format!("{}{}", text.get(..start).unwrap_or(""), &text[at + 1..])
}
