//! Reading a clone URL: strict, because git reads URLs generously.

use super::{MAX_URL, ParsedUrl, RepoUrl, Transport, UrlError, UrlPolicy, without_userinfo};
use crate::{security::Secret, workspace::git::credentials::Credential};

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
    let url = RepoUrl { transport, text: format!("{scheme}://{authority}/{path}"), authority, name };
    let (user, password) = match userinfo.map(|info| info.split_once(':').unwrap_or((info, ""))) {
        Some((user, password)) => (decode(user), decode(password)),
        None => (Some(String::new()), Some(String::new())),
    };
    let user = user.ok_or_else(|| part("user name", text))?;
    let password = password.ok_or_else(|| part("password", text))?;
    let credential =
        (!password.is_empty()).then(|| Credential { username: user.clone(), secret: Secret::from(password) });
    let user = (!user.is_empty()).then_some(user);
    Ok(ParsedUrl { url, user, credential })
}

fn ssh(text: &str, rest: &str) -> Result<ParsedUrl, UrlError> {
    let (userinfo, authority, path) = split(rest);
    let user = checked_user(userinfo).ok_or_else(|| part("user name", text))?;
    let authority = checked_authority(authority).ok_or_else(|| part("host", text))?;
    let name = repository(path).ok_or_else(|| part("path", text))?;
    Ok(plain(Transport::Ssh, format!("ssh://{user}{authority}/{path}"), authority, name))
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
    Ok(plain(Transport::Ssh, format!("{user}{authority}:{path}"), authority, name))
}

fn file(text: &str, path: &str) -> Result<ParsedUrl, UrlError> {
    if !path.starts_with('/') {
        return Err(part("path", text));
    }
    let name = repository(path).ok_or_else(|| part("path", text))?;
    Ok(plain(Transport::File, format!("file://{path}"), String::new(), name))
}

fn plain(transport: Transport, text: String, authority: String, name: String) -> ParsedUrl {
    ParsedUrl { url: RepoUrl { transport, text, authority, name }, user: None, credential: None }
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
    match host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
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
    (!user.is_empty() && !user.starts_with('-') && user.bytes().all(valid)).then(|| format!("{user}@"))
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
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

fn form(text: &str) -> UrlError {
    UrlError::Form { found: without_userinfo(text) }
}

fn part(part: &'static str, text: &str) -> UrlError {
    UrlError::Part { part, found: without_userinfo(text) }
}
