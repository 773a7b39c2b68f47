//! Which token goes to which host.

use std::collections::BTreeMap;

use super::url::{ParsedUrl, RepoUrl};
use crate::security::Secret;

/// What a host is answered when it asks for a user name and a password.
#[derive(Debug, Clone)]
pub struct Credential {
    /// Many hosts take any name beside a token.
    pub username: String,
    /// The token or password.
    pub secret: Secret,
}

/// Where a person adds a missing token, for error messages.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum TokenPlace {
    /// The environment of this process.
    #[default]
    Environment,
    /// A Kubernetes Secret of this name.
    Secret(String),
    /// Headers of the request that asks for the clone.
    Header,
}

/// The tokens that a process was given, by host.
///
/// A token goes to the exact host it was given for: a repository's URL is chosen by whoever writes the manifest, and a
/// rule such as "every host with gitlab in its name" would let him collect the token.
#[derive(Debug, Clone, Default)]
pub struct Credentials {
    hosts: BTreeMap<String, Credential>,
    place: TokenPlace,
}

impl Credentials {
    /// Reads `GITHUB_TOKEN`, `GITLAB_TOKEN` and `AMBIENT_GIT_TOKENS`, a JSON object of host (or `host:port`) to token or
    /// `user:token`. The error says what is wrong with the JSON, and repeats none of it.
    pub fn from_vars(var: impl Fn(&str) -> Option<String>) -> Result<Self, String> {
        let mut all = Self::default();
        let token = |name| var(name).filter(|token| !token.trim().is_empty());
        if let Some(token) = token("GITHUB_TOKEN") {
            all = all.github(token.trim());
        }
        if let Some(token) = token("GITLAB_TOKEN") {
            all = all.gitlab(token.trim());
        }
        let Some(json) = token("AMBIENT_GIT_TOKENS") else {
            return Ok(all);
        };
        let hosts: BTreeMap<String, String> = serde_json::from_str(&json).map_err(|error| {
            format!(
                "AMBIENT_GIT_TOKENS is not a JSON object of host to token: {:?} error in column {}",
                error.classify(),
                error.column()
            )
        })?;
        Ok(hosts.into_iter().fold(all, |all, (host, token)| match token.split_once(':') {
            Some((user, token)) => all.host(&host, user, token),
            None => all.host(&host, "oauth2", &token),
        }))
    }

    /// The token of github.com.
    #[must_use]
    pub fn github(self, token: &str) -> Self {
        self.host("github.com", "x-access-token", token)
    }

    /// The token of gitlab.com.
    #[must_use]
    pub fn gitlab(self, token: &str) -> Self {
        self.host("gitlab.com", "oauth2", token)
    }

    /// The token of one host, or of one port of it (`host:port`).
    #[must_use]
    pub fn host(mut self, authority: &str, username: &str, token: &str) -> Self {
        let credential = Credential { username: username.to_owned(), secret: Secret::from(token) };
        self.hosts.insert(authority.to_ascii_lowercase(), credential);
        self
    }

    /// Where error messages tell people to add a token.
    #[must_use]
    pub fn added_in(mut self, place: TokenPlace) -> Self {
        self.place = place;
        self
    }

    /// The credential for a repository: what its URL carries, else what its host has.
    #[must_use]
    pub fn choose(&self, parsed: &ParsedUrl) -> Option<Credential> {
        if !parsed.url.may_carry_secret() {
            return None;
        }
        if parsed.credential.is_some() {
            return parsed.credential.clone();
        }
        let known = self.for_url(&parsed.url);
        match (&parsed.user, known) {
            // `https://TOKEN@host`: the way GitHub's own documentation writes it.
            (Some(user), _) if is_token(user) => {
                Some(Credential { username: "x-access-token".to_owned(), secret: Secret::from(user.as_str()) })
            }
            (Some(user), Some(known)) => Some(Credential { username: user.clone(), secret: known.secret.clone() }),
            (None, known) => known.cloned(),
            (Some(_), None) => None,
        }
    }

    fn for_url(&self, url: &RepoUrl) -> Option<&Credential> {
        self.hosts.get(url.authority()).or_else(|| self.hosts.get(url.host()))
    }

    /// "add a token for HOST to …", the end of a sentence.
    #[must_use]
    pub fn remedy(&self, host: &str) -> String {
        match (&self.place, host) {
            (TokenPlace::Secret(name), _) => format!("add a token for {host} to Secret {name}"),
            (TokenPlace::Header, "github.com") => "send a token in X-GitHub-Token".to_owned(),
            (TokenPlace::Header, "gitlab.com") => "send a token in X-GitLab-Token".to_owned(),
            (TokenPlace::Environment, "github.com") => "set GITHUB_TOKEN".to_owned(),
            (TokenPlace::Environment, "gitlab.com") => "set GITLAB_TOKEN".to_owned(),
            (TokenPlace::Environment | TokenPlace::Header, _) => {
                format!("add a token for {host}: AMBIENT_GIT_TOKENS='{{\"{host}\":\"TOKEN\"}}'")
            }
        }
    }
}

/// Prefixes that GitHub and GitLab give their tokens.
fn is_token(user: &str) -> bool {
    ["ghp_", "gho_", "ghs_", "ghu_", "github_pat_", "glpat-"].iter().any(|prefix| user.starts_with(prefix))
}
