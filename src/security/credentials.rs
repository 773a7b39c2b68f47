//! Which values are credentials: the rule for names, the rule for values, and both applied to an environment.

use serde_json::Value;

use super::{Secret, forms::MIN_LEN};

/// A secret value under the name by which its replacement calls it.
#[derive(Debug, Clone)]
pub struct Credential {
    /// Usually the environment variable: `ANTHROPIC_API_KEY`.
    pub name: String,
    /// The value that must not get out.
    pub value: Secret,
}

impl Credential {
    /// A credential.
    pub fn new(name: impl Into<String>, value: impl Into<Secret>) -> Self {
        Self { name: name.into(), value: value.into() }
    }
}

/// Words of a name that make it a credential's: `GITHUB_TOKEN`, `AWS_SECRET_ACCESS_KEY`, `JIRA_PAT`, `clientSecret`.
const WORDS: [&str; 13] = [
    "KEY",
    "TOKEN",
    "SECRET",
    "PASSWORD",
    "PASSWD",
    "PASSPHRASE",
    "PASS",
    "PWD",
    "PAT",
    "APIKEY",
    "CREDENTIAL",
    "CREDENTIALS",
    "COOKIE",
];

/// Last words of names that describe a credential and do not hold it.
const DESCRIPTIONS: [&str; 18] = [
    "FILE",
    "PATH",
    "DIR",
    "URL",
    "URLS",
    "URI",
    "NAME",
    "ID",
    "IDS",
    "TYPE",
    "MODE",
    "HOST",
    "PORT",
    "TTL",
    "LIMIT",
    "ENABLED",
    "VERSION",
    "PERSISTENT",
];

/// Values that stand where a secret could, and are words of ordinary text.
const HARMLESS: [&str; 16] = [
    "anonymous",
    "changeme",
    "change-me",
    "cleartext",
    "default",
    "disabled",
    "kubernetes",
    "localhost",
    "minioadmin",
    "password",
    "placeholder",
    "postgres",
    "redacted",
    "required",
    "undefined",
    "your-api-key",
];

/// Whether a variable of this name holds a credential: one of its words (in `SNAKE_CASE`, `kebab-case` or `camelCase`)
/// is KEY, TOKEN, SECRET, PASSWORD, PASSWD, PASSPHRASE, PASS, PWD, PAT, APIKEY, COOKIE or CREDENTIAL(S), and the name
/// does not say that it holds something about the credential (`…_FILE`, `…_URL`, `…_ID`, `…_NAME`, `PUBLIC_KEY` …).
#[must_use]
pub fn is_credential_name(name: &str) -> bool {
    let words = words(name);
    let has = |word: &str| words.iter().any(|w| w == word);
    let describes = words.last().is_some_and(|last| DESCRIPTIONS.contains(&last.as_str()));
    let shell = words.len() == 1 + usize::from(has("OLD")) && has("PWD") || name == "OLDPWD";
    WORDS.iter().any(|word| has(word)) && !describes && !has("PUBLIC") && !shell
}

/// Whether a value is looked for at all: at least 8 bytes, at least 4 different ones, no everyday word (`true`,
/// `disabled`, `password` …) and no URL, unless it carries a password. Anything shorter or plainer would blank out
/// ordinary text and hides nothing.
#[must_use]
pub fn is_secret_value(value: &str) -> bool {
    let value = value.trim();
    let different = value.bytes().collect::<std::collections::BTreeSet<_>>().len();
    let harmless = HARMLESS.iter().any(|word| value.eq_ignore_ascii_case(word));
    value.len() >= MIN_LEN && different >= 4 && !harmless && !is_plain_url(value)
}

/// The credentials among environment variables: the values of all whose name is a credential's, for a JSON document its
/// members of such names too, and the password of any URL, whatever the variable is called.
pub fn credentials_from_env<K, V>(vars: impl IntoIterator<Item = (K, V)>) -> Vec<Credential>
where
    K: AsRef<str>,
    V: AsRef<str>,
{
    let mut found = Vec::new();
    for (name, value) in vars {
        let (name, value) = (name.as_ref(), value.as_ref().trim());
        let is_path = value.starts_with('/') && words(name).last().is_some_and(|w| w == "CREDENTIALS");
        if is_credential_name(name) && !is_path {
            found.push(Credential::new(name, value));
        }
        if value.starts_with('{')
            && let Ok(document) = serde_json::from_str(value)
        {
            members(name, &document, &mut found);
        }
        if let Some(password) = url_password(value) {
            found.push(Credential::new(name, password));
        }
    }
    found.retain(|credential| is_secret_value(credential.value.expose()));
    found
}

/// String members of a JSON document that are credentials by their names.
fn members(name: &str, document: &Value, found: &mut Vec<Credential>) {
    match document {
        Value::Object(map) => {
            for (key, value) in map {
                match value {
                    Value::String(text) if is_credential_name(key) => {
                        found.push(Credential::new(format!("{name}.{key}"), text.as_str()));
                    }
                    _ => members(name, value, found),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| members(name, item, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// `password` of `scheme://user:password@host`.
fn url_password(value: &str) -> Option<&str> {
    let (_, rest) = value.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let (userinfo, _) = authority.rsplit_once('@')?;
    userinfo.split_once(':').map(|(_, password)| password)
}

/// A URL that carries no password and no query.
fn is_plain_url(value: &str) -> bool {
    value.contains("://") && !value.contains(['@', '?', '\n', '{'])
}

/// The words of a name, in upper case.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut after_lower = false;
    for c in name.chars() {
        let starts = c.is_ascii_uppercase() && after_lower;
        if starts || !c.is_ascii_alphanumeric() {
            words.push(String::new());
        }
        if let (true, Some(word)) = (c.is_ascii_alphanumeric(), words.last_mut()) {
            word.push(c.to_ascii_uppercase());
        }
        after_lower = c.is_ascii_lowercase() || c.is_ascii_digit();
    }
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_credentials_are_told_from_names_about_them() {
        for name in [
            "ANTHROPIC_API_KEY",
            "GITHUB_TOKEN",
            "AWS_SECRET_ACCESS_KEY",
            "DB_PASSWORD",
            "PASSWORD",
            "JIRA_API_TOKEN",
            "LANGFUSE_SECRET_KEY",
            "GOOGLE_OAUTH_CLIENT_SECRET",
            "AGUI_TOKEN",
            "BOT_TOKEN",
            "S3_ACCESS_KEY",
            "DB_PWD",
            "clientSecret",
            "private_key",
            "apiKey",
            "refreshToken",
            "gitlab-pat",
            "token",
        ] {
            assert!(is_credential_name(name), "{name}");
        }
        for name in [
            "PATH",
            "PWD",
            "OLDPWD",
            "HOME",
            "MAX_TOKENS",
            "LLM_MAX_TOKENS",
            "TOKEN_FILE",
            "AMBIENT_CP_TOKEN_URL",
            "AMBIENT_CP_TOKEN_PUBLIC_KEY",
            "LANGFUSE_PUBLIC_KEY",
            "AWS_ACCESS_KEY_ID",
            "SSH_AUTH_SOCK",
            "KEYBOARD",
            "MLFLOW_TRACKING_AUTH",
            "CREDENTIAL_IDS",
            "CREDENTIAL_SIDECAR_MODE",
            "GOOGLE_MCP_CREDENTIALS_DIR",
            "KEEP_CREDENTIALS_PERSISTENT",
            "TOKENIZERS_PARALLELISM",
            "MONKEY",
            "",
        ] {
            assert!(!is_credential_name(name), "{name}");
        }
    }

    #[test]
    fn plain_values_are_no_secrets() {
        for value in ["", "1", "true", "short12", "disabled", "Password", "aaaaaaaaaaaa", "https://host.example/path"] {
            assert!(!is_secret_value(value), "{value}");
        }
        for value in ["hunter2-hunter2", "83619274", "https://u:p4ssw0rd@host", "/abc/def+ghi"] {
            assert!(is_secret_value(value), "{value}");
        }
    }

    #[test]
    fn an_environment_gives_its_credentials() {
        let found = credentials_from_env([
            ("ANTHROPIC_API_KEY", "an-anthropic-key\n"),
            ("DATABASE_URL", "postgres://app:s3cr3t-pass@db:5432/app"),
            ("GOOGLE_APPLICATION_CREDENTIALS", "/app/vertex/ambient-code-key.json"),
            ("MCP", r#"{"servers":[{"env":{"apiKey":"an-inner-key"},"url":"https://mcp.example"}]}"#),
            ("MODEL", "claude-sonnet-5"),
            ("SOME_TOKEN", "true"),
        ]);
        let found: Vec<_> = found.iter().map(|c| (c.name.as_str(), c.value.expose())).collect();
        assert_eq!(
            found,
            [
                ("ANTHROPIC_API_KEY", "an-anthropic-key"),
                ("DATABASE_URL", "s3cr3t-pass"),
                ("MCP.apiKey", "an-inner-key"),
            ]
        );
    }
}
