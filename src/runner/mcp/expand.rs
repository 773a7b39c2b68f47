//! `${NAME}` and `${NAME:-default}` in the values of a server.

use serde_json::Value;

/// The variables that a server's configuration may name. Never the runner's own token, the bot's, or the provider's key:
/// whoever writes a session's servers could send them anywhere.
pub const ALLOWED: [&str; 25] = [
    "AGENTIC_SESSION_NAME",
    "AGENTIC_SESSION_NAMESPACE",
    "AMBIENT_MCP_URL",
    "GITHUB_TOKEN",
    "GITLAB_TOKEN",
    "GOOGLE_MCP_CREDENTIALS_DIR",
    "GOOGLE_OAUTH_CLIENT_ID",
    "GOOGLE_OAUTH_CLIENT_SECRET",
    "GOOGLE_OAUTH_REDIRECT_URI",
    "HOME",
    "JIRA_API_TOKEN",
    "JIRA_EMAIL",
    "JIRA_READ_ONLY_MODE",
    "JIRA_SSL_VERIFY",
    "JIRA_URL",
    "JIRA_USERNAME",
    "LANG",
    "PATH",
    "PROJECT_NAME",
    "SESSION_ID",
    "TZ",
    "USER_GOOGLE_EMAIL",
    "USER_ID",
    "USER_NAME",
    "WORKSPACE_PATH",
];

/// How the names begin under which the platform's backend gives a server its own fields: `MCP_{SERVER}_{FIELD}`.
pub const ALLOWED_PREFIX: &str = "MCP_";

/// The longest value after expansion, in bytes.
const MAX_VALUE: usize = 64 * 1024;

/// Whether a server's configuration may name a variable.
#[must_use]
pub fn may_name(variable: &str) -> bool {
    ALLOWED.contains(&variable) || variable.starts_with(ALLOWED_PREFIX)
}

/// Expands every string of a value, the names of members excepted. The error is a sentence without values.
pub fn value(value: &mut Value, variable: &impl Fn(&str) -> Option<String>) -> Result<(), String> {
    match value {
        Value::String(string) => {
            *string = text(string, variable)?;
            Ok(())
        }
        Value::Array(values) => values.iter_mut().try_for_each(|one| self::value(one, variable)),
        Value::Object(members) => members.values_mut().try_for_each(|one| self::value(one, variable)),
        Value::Null | Value::Bool(_) | Value::Number(_) => Ok(()),
    }
}

/// Expands a text. What a variable holds is not expanded again. A `$` without a brace stays as it is.
pub fn text(text: &str, variable: &impl Fn(&str) -> Option<String>) -> Result<String, String> {
    let mut expanded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, reference)) = rest.split_once("${") {
        expanded.push_str(before);
        let (reference, after) = reference.split_once('}').ok_or("a ${ has no closing brace")?;
        expanded.push_str(&resolved(reference, variable)?);
        rest = after;
    }
    expanded.push_str(rest);
    if expanded.len() > MAX_VALUE {
        return Err(format!("a value is longer than {MAX_VALUE} bytes"));
    }
    Ok(expanded)
}

fn resolved(reference: &str, variable: &impl Fn(&str) -> Option<String>) -> Result<String, String> {
    let (name, default) = match reference.split_once(":-") {
        Some((name, default)) => (name, Some(default)),
        None => (reference, None),
    };
    let is_name = |name: &str| {
        name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
            && name.bytes().next().is_some_and(|first| !first.is_ascii_digit())
    };
    if !is_name(name) {
        return Err("expected ${NAME} or ${NAME:-default}, with a name of letters, digits and _".to_owned());
    }
    if !may_name(name) {
        return Err(format!(
            "${{{name}}} is not among the variables that a server may name; write the value, or name it {ALLOWED_PREFIX}…"
        ));
    }
    // As in a shell, `:-` also stands in for an empty value.
    let set = variable(name).filter(|value| !value.is_empty() || default.is_none());
    set.or_else(|| default.map(str::to_owned)).ok_or_else(|| format!("the variable {name} is not set"))
}
