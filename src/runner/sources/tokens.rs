//! The tokens of one request: where each may go.

use crate::{
    security::Secret,
    workspace::git::credentials::{Credentials, TokenPlace},
};

/// Tokens that came with a request. They serve its clone and are stored nowhere.
#[derive(Debug, Clone, Default)]
pub struct RequestTokens {
    /// `X-GitHub-Token`
    pub github: Option<Secret>,
    /// `X-GitLab-Token`
    pub gitlab: Option<Secret>,
}

/// What every clone of this runner may use, and where the tokens of requests go.
#[derive(Debug, Clone, Default)]
pub struct TokenRules {
    /// The runner's own tokens, by host.
    pub own: Credentials,
    /// Hosts besides github.com that `X-GitHub-Token` goes to.
    pub github_hosts: Vec<String>,
    /// Hosts besides gitlab.com that `X-GitLab-Token` goes to.
    pub gitlab_hosts: Vec<String>,
}

impl TokenRules {
    /// The credentials of one request: its own tokens before the runner's, each for exactly the hosts that it belongs to.
    pub(super) fn of(&self, tokens: &RequestTokens) -> Credentials {
        let mut all = self.own.clone().added_in(TokenPlace::Header);
        if let Some(token) = &tokens.github {
            all = all.github(token.expose());
            all = self.github_hosts.iter().fold(all, |all, host| all.host(host, "x-access-token", token.expose()));
        }
        if let Some(token) = &tokens.gitlab {
            all = all.gitlab(token.expose());
            all = self.gitlab_hosts.iter().fold(all, |all, host| all.host(host, "oauth2", token.expose()));
        }
        all
    }
}
