//! What a credential consists of.

use serde_json::Value;

use super::{kind::Kind, person::Person};
use crate::security::{self, Secret, is_credential_name, is_secret_value};

/// A credential, as it is given out.
#[derive(Debug, Clone)]
pub struct Credential {
    /// Its kind.
    pub kind: Kind,
    /// The token, the key, or the whole kubeconfig.
    pub token: Secret,
    /// The only host it is for, with its port when it has one; for Jira its address; else empty.
    pub host: String,
    /// When it ends; absent: nobody has said.
    pub expires: Option<jiff::Timestamp>,
    /// Whose it is, as its provider says.
    pub person: Person,
    /// What a new token is fetched with (Google).
    pub refresh: Option<Secret>,
    /// What it is good for (Google).
    pub scopes: Vec<String>,
    /// Every value of it that no text may show.
    pub hidden: Vec<security::Credential>,
}

impl Credential {
    /// A credential that nobody says more about.
    #[must_use]
    pub fn new(kind: Kind, token: Secret, host: String) -> Self {
        let hidden = match kind {
            Kind::Kubeconfig => within(token.expose()),
            Kind::Github | Kind::Gitlab | Kind::Jira | Kind::Google | Kind::Coderabbit => {
                vec![security::Credential::new(kind.variable(), token.clone())]
            }
        };
        let (person, scopes) = (Person::default(), Vec::new());
        Self { kind, token, host, expires: None, person, refresh: None, scopes, hidden }
    }

    /// The same, with what a new token is fetched with.
    #[must_use]
    pub(super) fn refreshed_with(mut self, refresh: Option<Secret>) -> Self {
        self.hidden.extend(refresh.clone().map(|token| security::Credential::new("GOOGLE_REFRESH_TOKEN", token)));
        Self { refresh, ..self }
    }
}

/// Whether a text is a kubeconfig, as far as one can see.
pub(super) fn is_kubeconfig(text: &str) -> bool {
    let document: Result<Value, _> = serde_saphyr::from_str(text);
    document.is_ok_and(|document| document["clusters"].is_array() && document["users"].is_array())
}

/// The secrets in a kubeconfig.
fn within(text: &str) -> Vec<security::Credential> {
    let mut found = Vec::new();
    if let Ok(document) = serde_saphyr::from_str::<Value>(text) {
        collect(&document, &mut found);
    }
    found
}

fn collect(value: &Value, found: &mut Vec<security::Credential>) {
    match value {
        Value::Object(members) => {
            // A variable of a program that signs in: `{name: TOKEN, value: …}`.
            if let (Value::String(name), Value::String(text)) = (&value["name"], &value["value"]) {
                found.extend(secret(name, text));
            }
            for (name, value) in members {
                match value {
                    Value::String(text) => found.extend(secret(name, text)),
                    _ => collect(value, found),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// `client-key-data` is a key too; a file's name is none.
fn secret(name: &str, text: &str) -> Option<security::Credential> {
    let is_secret = is_credential_name(name) && is_secret_value(text);
    is_secret.then(|| security::Credential::new(format!("KUBECONFIG.{name}"), text))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KUBECONFIG: &str = "
apiVersion: v1
kind: Config
clusters: [{name: c, cluster: {server: 'https://c.example', certificate-authority-data: Y2VydGlmaWNhdGU=}}]
users:
- name: u
  user: {token: token-of-the-cluster, client-key-data: a2V5LW9mLXRoZS1jbHVzdGVy, username: somebody, tokenFile: /run/t}
- {name: v, user: {password: password-of-v}}
- {name: w, user: {exec: {command: sign-in, env: [{name: SIGN_IN_TOKEN, value: token-of-w}, {name: REGION, value: north-1}]}}}
";

    #[test]
    fn the_secrets_in_a_kubeconfig_are_hidden_one_by_one() {
        assert!(is_kubeconfig(KUBECONFIG));
        let credential = Credential::new(Kind::Kubeconfig, Secret::from(KUBECONFIG), String::new());
        let mut hidden: Vec<_> = credential.hidden.iter().map(|one| one.value.expose()).collect();
        hidden.sort_unstable();
        assert_eq!(hidden, ["a2V5LW9mLXRoZS1jbHVzdGVy", "password-of-v", "token-of-the-cluster", "token-of-w"]);
        assert!(!format!("{credential:?}").contains("-of-"), "{credential:?}");
    }

    #[test]
    fn other_texts_are_no_kubeconfig() {
        for text in ["", "a: [", "[1]", "users: []", "<html>", "clusters: 1\nusers: 2"] {
            assert!(!is_kubeconfig(text), "{text}");
        }
    }
}
