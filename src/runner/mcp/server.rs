//! One server: its name, its shape, and which of its values are secrets.

use serde_json::{Map, Value, json};

use super::expand;
use crate::security::{Credential, is_credential_name, is_secret_value};

/// Names of servers that belong to the platform: the client's own tools and those of this process.
pub const RESERVED: [&str; 5] = ["ui", "session", "corrections", "rubric", "acp"];

/// The longest name, in bytes.
const MAX_NAME: usize = 64;

/// The most arguments, variables or headers of one server.
const MAX_ITEMS: usize = 256;

/// Expands and checks a server. The error is a sentence that holds no values.
pub fn checked(name: &str, mut server: Value, variable: &impl Fn(&str) -> Option<String>) -> Result<Value, String> {
    check_name(name)?;
    expand::value(&mut server, variable)?;
    let Value::Object(members) = &mut server else {
        return Err("expected an object with a command, or with a type and a url".to_owned());
    };
    let kind = match members.get("type") {
        None => None,
        Some(Value::String(kind)) => Some(kind.clone()),
        Some(_) => return Err("type: expected a string".to_owned()),
    };
    match (kind.as_deref(), members.contains_key("command"), members.contains_key("url")) {
        (_, true, true) => Err("it has a command and a url; keep one".to_owned()),
        (None | Some("stdio"), true, false) => stdio(members),
        (None, false, true) => remote(members, None),
        (Some("http" | "streamable-http" | "streamableHttp"), false, true) => remote(members, Some("http")),
        (Some("sse"), false, true) => remote(members, Some("sse")),
        (None | Some("stdio"), false, false) => Err("it has neither a command nor a url".to_owned()),
        (Some("stdio"), false, true) => Err("type stdio needs a command, not a url".to_owned()),
        (Some("http" | "streamable-http" | "streamableHttp" | "sse"), _, false) => {
            Err("its type needs a url".to_owned())
        }
        (Some(_), _, _) => Err("type: expected stdio, http or sse".to_owned()),
    }?;
    Ok(server)
}

fn check_name(name: &str) -> Result<(), String> {
    let shaped = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
    // The agent sees mcp__<server>__<tool>.
    if name.is_empty() || name.len() > MAX_NAME || !shaped || name.contains("__") {
        return Err(format!("a name has 1 to {MAX_NAME} letters, digits, - and single _; rename it"));
    }
    if RESERVED.contains(&name) {
        return Err("this name belongs to the platform's own tools; rename it".to_owned());
    }
    Ok(())
}

fn stdio(members: &Map<String, Value>) -> Result<(), String> {
    let command = members.get("command").and_then(Value::as_str).unwrap_or_default();
    if command.trim().is_empty() || command.contains('\0') {
        return Err("command: expected a program's name or path".to_owned());
    }
    match members.get("args") {
        None => {}
        Some(Value::Array(args)) if args.len() <= MAX_ITEMS && args.iter().all(is_text) => {}
        Some(_) => return Err(format!("args: expected a list of at most {MAX_ITEMS} strings")),
    }
    strings(members, "env", |name| !name.is_empty() && !name.contains(['=', '\0']))
}

fn remote(members: &mut Map<String, Value>, kind: Option<&str>) -> Result<(), String> {
    let url = members.get("url").and_then(Value::as_str).unwrap_or_default();
    let path = web_path(url).ok_or("url: expected http:// or https:// with a host and without a user or password")?;
    let kind = kind.unwrap_or(if path.ends_with("/sse") { "sse" } else { "http" });
    let token = |name: &str| {
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
    };
    strings(members, "headers", token)?;
    members.insert("type".to_owned(), json!(kind));
    Ok(())
}

/// The path of a web address.
fn web_path(url: &str) -> Option<String> {
    let uri: axum::http::Uri = url.parse().ok()?;
    let scheme = matches!(uri.scheme_str(), Some("http" | "https"));
    let authority = uri.authority()?;
    (scheme && !authority.host().is_empty() && !authority.as_str().contains('@')).then(|| uri.path().to_owned())
}

/// Checks a member that maps names to strings of one line.
fn strings(members: &Map<String, Value>, member: &str, good: impl Fn(&str) -> bool) -> Result<(), String> {
    let Some(value) = members.get(member) else {
        return Ok(());
    };
    let right = value.as_object().is_some_and(|map| {
        map.len() <= MAX_ITEMS && map.iter().all(|(name, value)| good(name) && is_text(value) && is_line(member, value))
    });
    if !right {
        return Err(format!(
            "{member}: expected an object of at most {MAX_ITEMS} names with strings (numbers in quotes)"
        ));
    }
    Ok(())
}

fn is_text(value: &Value) -> bool {
    value.as_str().is_some_and(|text| !text.contains('\0'))
}

/// A header with a line end would begin another one.
fn is_line(member: &str, value: &Value) -> bool {
    member != "headers" || value.as_str().is_some_and(|text| !text.contains(['\r', '\n']))
}

/// The values of a server that must not get out: those under a credential's name, and what a header carries.
#[must_use]
pub fn secrets(server: &str, value: &Value) -> Vec<Credential> {
    let of = |member: &str| value[member].as_object().into_iter().flatten();
    let named = of("env").filter(|(name, _)| is_credential_name(name));
    let carried =
        of("headers").filter(|(name, _)| is_credential_name(name) || name.eq_ignore_ascii_case("authorization"));
    named
        .chain(carried)
        .filter_map(|(name, value)| {
            let value = value.as_str()?;
            // `Bearer TOKEN`: the token is the secret.
            let secret = value.rsplit(' ').next().filter(|secret| is_secret_value(secret))?;
            Some(Credential::new(format!("{server}:{name}"), secret.to_owned()))
        })
        .collect()
}
