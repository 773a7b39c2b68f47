//! The servers that a session has because it has credentials: Jira and Google Workspace. They are part of the agent's image,
//! so that nothing is downloaded when they start; or they run beside it, where `CREDENTIAL_MCP_URLS` says. Where a backend knows
//! each person's credentials, they are started with those of their agent's person (`ambient credential exec`), and their
//! configuration names none.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Fault, Layer};

/// The name of this layer in faults.
const SOURCE: &str = "CREDENTIAL_MCP_URLS";

/// A built-in server.
struct Builtin {
    /// The server's name.
    name: &'static str,
    /// Other keys of `CREDENTIAL_MCP_URLS` that mean it: the credential's provider.
    also: &'static [&'static str],
    /// The variables that must be set.
    needs: &'static [&'static str],
    /// How it is started with the session's own.
    server: fn() -> Value,
    /// How it is started with a person's: settings only.
    personal: fn() -> Value,
}

const BUILTIN: [Builtin; 2] = [
    Builtin {
        name: "mcp-atlassian",
        also: &["jira", "atlassian"],
        needs: &["JIRA_URL", "JIRA_API_TOKEN"],
        server: jira,
        personal: personal_jira,
    },
    Builtin {
        name: "google-workspace",
        also: &["google"],
        needs: &["USER_GOOGLE_EMAIL"],
        server: google,
        personal: personal_google,
    },
];

fn jira() -> Value {
    json!({
        "type": "stdio",
        "command": "mcp-atlassian",
        "args": [],
        "env": {
            "JIRA_URL": "${JIRA_URL}",
            "JIRA_USERNAME": "${JIRA_EMAIL:-}",
            "JIRA_API_TOKEN": "${JIRA_API_TOKEN}",
            "JIRA_SSL_VERIFY": "${JIRA_SSL_VERIFY:-true}",
            "READ_ONLY_MODE": "${JIRA_READ_ONLY_MODE:-true}",
        },
    })
}

fn google() -> Value {
    json!({
        "type": "stdio",
        "command": "workspace-mcp",
        "args": ["--permissions", "gmail:send", "drive:full"],
        "env": {
            "GOOGLE_MCP_CREDENTIALS_DIR": "${GOOGLE_MCP_CREDENTIALS_DIR:-/workspace/.google_workspace_mcp/credentials}",
            "MCP_SINGLE_USER_MODE": "1",
            "GOOGLE_OAUTH_CLIENT_ID": "${GOOGLE_OAUTH_CLIENT_ID:-}",
            "GOOGLE_OAUTH_CLIENT_SECRET": "${GOOGLE_OAUTH_CLIENT_SECRET:-}",
            "GOOGLE_OAUTH_REDIRECT_URI": "${GOOGLE_OAUTH_REDIRECT_URI:-}",
            "USER_GOOGLE_EMAIL": "${USER_GOOGLE_EMAIL}",
        },
    })
}

fn personal_jira() -> Value {
    without(jira(), &["JIRA_URL", "JIRA_USERNAME", "JIRA_API_TOKEN"])
}

fn personal_google() -> Value {
    without(google(), &["GOOGLE_MCP_CREDENTIALS_DIR", "USER_GOOGLE_EMAIL"])
}

/// The server without what a person's credential brings. Its command is a wrapper on the agent's PATH.
fn without(mut server: Value, brought: &[&str]) -> Value {
    if let Some(env) = server["env"].as_object_mut() {
        env.retain(|name, _| !brought.contains(&name.as_str()));
    }
    server
}

/// The built-in servers that this session has. `urls` is the text of `CREDENTIAL_MCP_URLS`: a JSON object of base URLs by
/// credential or server.
pub fn layer(urls: &str, variable: &impl Fn(&str) -> Option<String>) -> Layer {
    let mut layer = Layer::of(SOURCE, BTreeMap::new(), Vec::new());
    let mut urls: BTreeMap<String, Value> = match urls.trim() {
        "" => BTreeMap::new(),
        text => serde_json::from_str(text).unwrap_or_else(|_| {
            let reason = r#"expected a JSON object such as {"jira": "http://127.0.0.1:8080"}"#.to_owned();
            layer.faults.push(Fault { source: SOURCE.to_owned(), server: None, reason });
            BTreeMap::new()
        }),
    };
    for builtin in &BUILTIN {
        let mut keys = std::iter::once(&builtin.name).chain(builtin.also);
        let beside = keys.find_map(|key| urls.remove(*key));
        let is_set = |name: &&str| variable(name).is_some_and(|value| !value.is_empty());
        let server = match beside {
            Some(url) => Some(sidecar(url)),
            None if is_set(&"BACKEND_API_URL") => Some((builtin.personal)()),
            None => builtin.needs.iter().all(is_set).then(builtin.server),
        };
        layer.servers.extend(server.map(|server| (builtin.name.to_owned(), server)));
    }
    // A credential that this version knows no server for has one beside it all the same.
    layer.servers.extend(urls.into_iter().map(|(name, url)| (name, sidecar(url))));
    layer
}

/// A base URL means the older transport at `/sse`, as it did in the original; one that names `/mcp` or `/sse` is taken as it is.
fn sidecar(url: Value) -> Value {
    let Value::String(url) = url else {
        return json!({ "type": "sse", "url": url });
    };
    let url = url.trim_end_matches('/');
    match url.rsplit('/').next() {
        Some("mcp") => json!({ "type": "http", "url": url }),
        Some("sse") => json!({ "type": "sse", "url": url }),
        _ => json!({ "type": "sse", "url": format!("{url}/sse") }),
    }
}
