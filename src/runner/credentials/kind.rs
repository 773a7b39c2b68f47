//! The kinds of credentials, and what one consists of.

use crate::security::Secret;

/// A kind of credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// github.com.
    Github,
    /// A GitLab instance.
    Gitlab,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Self; 2] = [Self::Github, Self::Gitlab];

    /// Its name in the backend's paths and of its mounted file.
    #[must_use]
    pub fn path(self) -> &'static str {
        match self {
            Self::Github => "github",
            Self::Gitlab => "gitlab",
        }
    }

    /// Its name for people.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Github => "GitHub",
            Self::Gitlab => "GitLab",
        }
    }

    /// The variable that holds it in the original platform: what its replacement in texts is called.
    #[must_use]
    pub fn variable(self) -> &'static str {
        match self {
            Self::Github => "GITHUB_TOKEN",
            Self::Gitlab => "GITLAB_TOKEN",
        }
    }

    /// The host it is for, unless it says another.
    #[must_use]
    pub fn host(self) -> &'static str {
        match self {
            Self::Github => "github.com",
            Self::Gitlab => "gitlab.com",
        }
    }

    /// The user name that goes with its token in HTTP Basic authentication.
    #[must_use]
    pub fn user(self) -> &'static str {
        match self {
            Self::Github => "x-access-token",
            Self::Gitlab => "oauth2",
        }
    }

    /// The kind that a host's credential may be of.
    #[must_use]
    pub fn of_host(host: &str) -> Self {
        if host.eq_ignore_ascii_case(Self::Github.host()) { Self::Github } else { Self::Gitlab }
    }
}

/// A credential, as it is given out.
#[derive(Debug, Clone)]
pub struct Credential {
    /// Its kind.
    pub kind: Kind,
    /// The token.
    pub token: Secret,
    /// The only host it is for, with its port when it has one.
    pub host: String,
    /// When it ends; absent: nobody has said.
    pub expires: Option<jiff::Timestamp>,
}

/// Why there is no credential. The messages go to the agent: they hold nothing of what a server has answered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unavailable {
    /// The person must act.
    #[error("there is no {} credential for {who}: connect {} in the platform's integrations", .kind.label(), .kind.label())]
    Absent {
        /// What is missing.
        kind: Kind,
        /// Who has none.
        who: String,
    },
    /// The person must act.
    #[error("the backend refuses the {} credential for {who} (HTTP {status}): sign in again, or ask an administrator", .kind.label())]
    Refused {
        /// What was asked for.
        kind: Kind,
        /// For whom.
        who: String,
        /// What it answered.
        status: u16,
    },
    /// Try again.
    #[error("the {} credential cannot be fetched: {reason}; try again in a moment", .kind.label())]
    Failed {
        /// What was asked for.
        kind: Kind,
        /// What went wrong.
        reason: String,
    },
}
